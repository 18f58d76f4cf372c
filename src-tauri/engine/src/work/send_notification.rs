//! `SEND_NOTIFICATION`: a message on the desktop, or to the configured webhook; one job for each, so that one that fails
//! repeats nothing of the other.

use std::sync::Arc;
use std::time::Duration;

use jobs::{Backoff, Defaults, Handler, NewJob, Outcome, Priority, Running};
use limits::CallError;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Means;
use super::hold::after_call;
use super::text::Text;
use crate::notifier::Notification;
use crate::outside::WEBHOOK;

pub(crate) struct SendNotification(pub(super) Arc<Means>);

/// What is told, and where.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    channel: Channel,
    title: Text<120>,
    body: Text<1000>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Channel {
    Desktop,
    /// The address that the settings name.
    Webhook,
}

impl SendNotification {
    /// The job for one message; longer texts are cut.
    pub(crate) fn job(channel: Channel, title: &str, body: &str) -> Option<NewJob> {
        let cut = |text: &str, most| text.chars().take(most).collect::<String>();
        let (title, body) = (Text::try_from(cut(title, 120)).ok()?, Text::try_from(cut(body, 1000)).ok()?);
        Some(NewJob::of::<Self>(&Message { channel, title, body }))
    }
}

impl Handler for SendNotification {
    type Payload = Message;
    const KIND: &'static str = "SEND_NOTIFICATION";

    fn defaults(&self) -> Defaults {
        Defaults {
            queue: "critical",
            priority: Priority::Critical,
            attempts: 5,
            backoff: Backoff::Exponential {
                first: Duration::from_secs(2),
                factor: 2.0,
                cap: Duration::from_secs(300),
            },
            timeout: Duration::from_secs(60),
            // What is told a day late is no news.
            overall: Some(Duration::from_secs(24 * 3600)),
            ..Defaults::default()
        }
    }

    fn example(&self) -> Message {
        let text = |text: &str| text.to_owned();
        Message {
            channel: if self.0.notifier.is_some() { Channel::Desktop } else { Channel::Webhook },
            title: text("DUCK crossed 0.0021").try_into().expect("it is short"),
            body: text("0.00213 USD, 12 s ago").try_into().expect("it is short"),
        }
    }

    fn about(message: &Message) -> String {
        message.title.as_str().to_owned()
    }

    async fn run(&self, message: Message, job: Running) -> Outcome {
        match message.channel {
            Channel::Desktop => self.show(&message).await,
            Channel::Webhook => self.post(&message, &job).await,
        }
    }
}

impl SendNotification {
    async fn show(&self, message: &Message) -> Outcome {
        if !self.0.book.with(|config| config.notifications.desktop) {
            return Outcome::Cancel { because: "messages on the desktop are switched off".to_owned() };
        }
        let Some(notifier) = self.0.notifier.clone() else {
            let error = "this engine has no desktop; use the channel webhook".to_owned();
            return Outcome::Fail { error };
        };
        let notification =
            Notification { title: message.title.as_str().to_owned(), body: message.body.as_str().to_owned() };
        let shown = tokio::task::spawn_blocking(move || notifier.0.show(&notification)).await;
        match shown.unwrap_or_else(|panic| Err(panic.to_string())) {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Retry { error, after: None },
        }
    }

    async fn post(&self, message: &Message, job: &Running) -> Outcome {
        let Some(address) = self.0.book.with(|config| config.notifications.webhook.clone()) else {
            let because = "no webhook is set; give its address on Settings, or as webhook_url in [notifications] \
                           of the configuration file";
            return Outcome::Cancel { because: because.to_owned() };
        };
        let at_ms = self.0.clock.now().wall_ms;
        let text = json!({
            "title": message.title, "body": message.body, "at_ms": at_ms, "source": "eider", "job": job.id().0,
        });
        match self.0.outside.webhook().post(&address, &format!("eider-{}", job.id()), &text).await {
            Ok(()) => Outcome::Done,
            Err(CallError::Failed { error, attempts: 1 }) => Outcome::Fail { error },
            Err(error) => after_call(WEBHOOK, &error),
        }
    }
}
