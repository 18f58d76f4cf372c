use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use eider_limits::{Attempt, Config, Priority};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::{MemoryJournal, Server, config, open, secs};

/// Keeps each event as one line of its fields.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// It printed `Open { until: Instant { tv_sec: … } }`, which nobody can read.
#[tokio::test(start_paused = true)]
async fn the_log_names_the_breakers_state_and_its_wait() {
    let lines = Lines::default();
    let _logging = tracing::subscriber::set_default(lines.clone());
    let server = Server::default();
    let mut config = Config { attempts: 1, ..config(50) };
    (config.breaker.min_calls, config.breaker.probes) = (2, 1);
    let pipeline = open(config.clone(), &MemoryJournal::default()).await;
    for _ in 0..2 {
        let failing = || Attempt::Retry("500".into());
        server.call(&pipeline, Priority::Normal, secs(1), failing).await.unwrap_err();
    }
    tokio::time::sleep(config.breaker.open_first).await;
    server.ok(&pipeline, secs(1)).await.unwrap();

    let lines = lines.0.lock().unwrap();
    let changes: Vec<_> = lines.iter().filter(|line| line.contains("the breaker changed")).collect();
    let wait = config.breaker.open_first;
    assert_eq!(changes.len(), 2, "{lines:?}");
    assert!(changes[0].contains(&format!("state=\"open\" wait={wait:?} ")), "{}", changes[0]);
    assert!(changes[1].contains("state=\"closed\" "), "{}", changes[1]);
    assert!(!changes[1].contains("wait="), "{}", changes[1]);
}
