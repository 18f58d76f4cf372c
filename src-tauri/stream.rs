//! The one stream of frames into the window.
//!
//! A hidden window gets nothing: WebKitGTK keeps what it cannot draw, and its memory grows for as long as
//! it stays hidden. When it shows again, its first frame is whole.

use std::sync::{Mutex, PoisonError};

use engine::{Engine, api::Frame};
use tauri::{async_runtime::JoinHandle, ipc::Channel};
use tokio::sync::watch;

/// Owns the task that feeds the window's channel.
pub(crate) struct FrameStream {
    visible: watch::Sender<bool>,
    /// Guards only the handle; the task itself shares nothing with its successor.
    task: Mutex<Option<JoinHandle<()>>>,
}

impl FrameStream {
    pub(crate) fn new() -> Self {
        Self { visible: watch::Sender::new(true), task: Mutex::new(None) }
    }

    /// Feeds `channel` from now on; a page that was loaded anew replaces the channel of the old one.
    pub(crate) fn open(&self, engine: &Engine, channel: Channel<Frame>) {
        let task = tauri::async_runtime::spawn(feed(engine.subscribe(), self.visible.subscribe(), channel));
        let mut current = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = current.replace(task) {
            old.abort();
        }
    }

    pub(crate) fn set_visible(&self, visible: bool) {
        self.visible.send_if_modified(|now| std::mem::replace(now, visible) != visible);
    }

    pub(crate) fn close(&self) {
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

async fn feed(mut frames: engine::Frames, mut visible: watch::Receiver<bool>, channel: Channel<Frame>) {
    loop {
        tokio::select! {
            changed = visible.changed() => match changed {
                Ok(()) => frames.set_visible(*visible.borrow_and_update()),
                Err(_) => return,
            },
            frame = frames.next() => match frame {
                Some(frame) => if channel.send(frame).is_err() {
                    // The window is gone.
                    return;
                },
                None => return,
            },
        }
    }
}
