//! Tells a person that jobs failed: once an hour for each kind, however many fail.

use std::sync::Arc;
use std::time::Duration;

use jobs::{Event, Handler, Jobs, State, Unique};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::config::Notifications;
use crate::settings::Book;
use crate::state::Board;
use crate::work::{Channel, SendNotification};

/// Of one kind there is no second message within this.
const QUIET: Duration = Duration::from_secs(3600);

/// Where failures are told.
pub(crate) struct Alarm {
    pub(crate) jobs: Jobs,
    pub(crate) board: Arc<Board>,
    pub(crate) book: Arc<Book>,
    /// Whether there is a desktop to show messages on.
    pub(crate) has_desktop: bool,
}

impl Alarm {
    /// Listens until the engine stops.
    pub(crate) async fn run(self, stopping: CancellationToken) {
        let mut events = self.jobs.events();
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = stopping.cancelled() => return,
            };
            match event {
                // That a message could not be sent is told by none.
                Ok(event) if event.state == State::Failed && event.kind != SendNotification::KIND => {
                    self.tell(&event).await;
                }
                // Of what was missed the list of jobs tells.
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    async fn tell(&self, event: &Event) {
        // Whoever looks at the window sees it under "Needs you".
        let desktop = self.has_desktop && !self.board.has_viewers();
        let channels = self.book.with(|config| {
            let Notifications { desktop: wanted, webhook } = &config.notifications;
            [(Channel::Desktop, desktop && *wanted), (Channel::Webhook, webhook.is_some())]
        });
        let title = format!("A job failed: {}", event.kind);
        let body = event.error.clone().unwrap_or_else(|| "Open Jobs to see why.".to_owned());
        for (channel, _) in channels.into_iter().filter(|(_, wanted)| *wanted) {
            let Some(job) = SendNotification::job(channel, &title, &body) else { continue };
            let job =
                job.key(&format!("failed:{channel:?}:{}", event.kind)).unique(Unique::idempotent(QUIET));
            if let Err(error) = self.jobs.add(job).await {
                tracing::warn!(%error, kind = event.kind, "that a job failed is told in the list of jobs only");
            }
        }
    }
}
