//! The newest state of the engine, and the frames that carry its changes to a window.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::api::{Frame, Quote, Sample, Spark, Status};

/// All that a window shows without asking.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) now_ms: i64,
    pub(crate) watch: Vec<String>,
    pub(crate) quotes: Vec<Quote>,
    pub(crate) sparks: Vec<Spark>,
    pub(crate) sample: Option<Sample>,
    pub(crate) status: Option<Status>,
}

/// Where the monitor puts the newest state, and windows wait for it.
pub(crate) struct Board {
    newest: watch::Sender<Option<Arc<State>>>,
    closed: CancellationToken,
    viewers: AtomicUsize,
    /// Prices are to be as fresh as if somebody looked.
    always_fresh: bool,
    /// Wakes the monitor: somebody began to look, or something changed that should show at once.
    pub(crate) nudge: Notify,
    /// Wakes the refresh loop when somebody begins to look.
    pub(crate) looked_at: Notify,
}

impl Board {
    pub(crate) fn new(always_fresh: bool) -> Self {
        Self {
            always_fresh,
            newest: watch::Sender::new(None),
            closed: CancellationToken::new(),
            viewers: AtomicUsize::new(0),
            nudge: Notify::new(),
            looked_at: Notify::new(),
        }
    }

    pub(crate) fn publish(&self, state: State) {
        self.newest.send_replace(Some(Arc::new(state)));
    }

    /// Ends every stream of frames.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }

    pub(crate) fn newest(&self) -> Option<Arc<State>> {
        self.newest.borrow().clone()
    }

    /// Whether frames are wanted.
    pub(crate) fn has_viewers(&self) -> bool {
        self.viewers.load(Ordering::SeqCst) > 0
    }

    /// Whether prices are to be kept fresh as for a person who looks.
    pub(crate) fn is_viewed(&self) -> bool {
        self.always_fresh || self.has_viewers()
    }

    pub(crate) fn frames(self: &Arc<Self>) -> Frames {
        Frames {
            newest: self.newest.subscribe(),
            shown: None,
            viewer: Some(Viewer::new(self)),
            board: Arc::clone(self),
        }
    }
}

/// Counts somebody who looks, as long as it lives.
struct Viewer(Arc<Board>);

impl Viewer {
    fn new(board: &Arc<Board>) -> Self {
        board.viewers.fetch_add(1, Ordering::SeqCst);
        board.nudge.notify_one();
        board.looked_at.notify_one();
        Self(Arc::clone(board))
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.0.viewers.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The stream of frames for one window.
///
/// Frames are never queued: whoever is slow gets one frame with all that changed meanwhile. While it is hidden
/// there are none, and the first one after that is whole.
pub struct Frames {
    newest: watch::Receiver<Option<Arc<State>>>,
    /// What the window has, `None` where its next frame must be whole.
    shown: Option<Arc<State>>,
    viewer: Option<Viewer>,
    board: Arc<Board>,
}

impl Frames {
    /// Says whether anybody can see the window.
    pub fn set_visible(&mut self, visible: bool) {
        if visible && self.viewer.is_none() {
            self.viewer = Some(Viewer::new(&self.board));
            self.shown = None;
        } else if !visible {
            self.viewer = None;
        }
    }

    /// The next frame; `None` once the engine has stopped. It never returns while the window is hidden.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Frame> {
        if self.viewer.is_none() {
            std::future::pending::<()>().await;
        }
        loop {
            let state = self.newest.borrow_and_update().clone();
            if let Some(state) = state {
                let fresh_enough = self.shown.as_ref().is_none_or(|shown| !Arc::ptr_eq(shown, &state));
                if fresh_enough {
                    let frame = frame(self.shown.as_deref(), &state);
                    self.shown = Some(state);
                    return Some(frame);
                }
            }
            tokio::select! {
                changed = self.newest.changed() => changed.ok()?,
                () = self.board.closed.cancelled() => return None,
            }
        }
    }
}

/// What changed between two states; everything where there is no earlier one.
fn frame(shown: Option<&State>, state: &State) -> Frame {
    let Some(shown) = shown else {
        return Frame {
            now_ms: state.now_ms,
            whole: true,
            watch: Some(state.watch.clone()),
            quotes: state.quotes.clone(),
            sparks: state.sparks.clone(),
            sample: state.sample,
            status: state.status.clone(),
        };
    };
    Frame {
        now_ms: state.now_ms,
        whole: false,
        watch: (shown.watch != state.watch).then(|| state.watch.clone()),
        quotes: changed(&shown.quotes, &state.quotes),
        sparks: changed(&shown.sparks, &state.sparks),
        sample: state.sample.filter(|sample| shown.sample.as_ref() != Some(sample)),
        status: (shown.status != state.status).then(|| state.status.clone()).flatten(),
    }
}

fn changed<T: Clone + PartialEq>(shown: &[T], now: &[T]) -> Vec<T> {
    now.iter().filter(|item| !shown.contains(item)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(id: &str, price: f64) -> Quote {
        Quote {
            id: id.to_owned(),
            symbol: id.to_uppercase(),
            name: id.to_owned(),
            price: Some(price),
            change_24h_pct: None,
            volume_24h: None,
            market_cap: None,
            provenance: None,
        }
    }

    fn state(now_ms: i64, prices: &[(&str, f64)]) -> State {
        State {
            now_ms,
            watch: prices.iter().map(|(id, _)| (*id).to_owned()).collect(),
            quotes: prices.iter().map(|(id, price)| quote(id, *price)).collect(),
            ..State::default()
        }
    }

    #[tokio::test]
    async fn the_first_frame_is_whole_and_later_ones_hold_changes_only() {
        let board = Arc::new(Board::new(false));
        let mut frames = board.frames();
        board.publish(state(1, &[("ton", 5.0), ("duck", 0.002)]));
        let first = frames.next().await.expect("the engine runs");
        assert!(first.whole && first.quotes.len() == 2 && first.watch.is_some());
        board.publish(state(2, &[("ton", 5.1), ("duck", 0.002)]));
        let second = frames.next().await.expect("the engine runs");
        assert!(!second.whole && second.watch.is_none());
        assert_eq!(second.quotes, [quote("ton", 5.1)]);
    }

    #[tokio::test]
    async fn a_slow_window_gets_one_frame_for_all_it_missed() {
        let board = Arc::new(Board::new(false));
        let mut frames = board.frames();
        board.publish(state(1, &[("ton", 5.0)]));
        frames.next().await;
        for n in 2..100 {
            board.publish(state(n, &[("ton", n as f64)]));
        }
        let frame = frames.next().await.expect("the engine runs");
        assert_eq!((frame.now_ms, frame.quotes), (99, vec![quote("ton", 99.0)]));
    }

    #[tokio::test]
    async fn a_hidden_window_gets_nothing_and_then_a_whole_frame() {
        let board = Arc::new(Board::new(false));
        let mut frames = board.frames();
        board.publish(state(1, &[("ton", 5.0)]));
        frames.next().await;
        frames.set_visible(false);
        assert!(!board.is_viewed());
        board.publish(state(2, &[("ton", 6.0)]));
        assert!(futures::poll!(Box::pin(frames.next())).is_pending());
        frames.set_visible(true);
        assert!(board.is_viewed());
        let frame = frames.next().await.expect("the engine runs");
        assert!(frame.whole);
        drop(frames);
        assert!(!board.is_viewed());
    }
}
