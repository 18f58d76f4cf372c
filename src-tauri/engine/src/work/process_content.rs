//! `PROCESS_CONTENT`: a token's logo and description, made fit to be shown without asking anybody.

use std::sync::Arc;
use std::time::Duration;

use content::{FetchError, Logo, Reach, Record};
use jobs::{Backoff, Defaults, Handler, NewJob, OnDuplicate, Outcome, Priority, Running, Unique};
use limits::CallError;
use market::TokenId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Means;
use super::hold::{after_call, after_question};
use crate::api::Profile;
use crate::outside::IMAGES;

pub(crate) struct ProcessContent(pub(super) Arc<Means>);

/// Whose content.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    token: TokenId,
}

impl ProcessContent {
    /// The job for one token; while one is open there is no second.
    pub(crate) fn job(token: &TokenId) -> NewJob {
        NewJob::of::<Self>(&Whose { token: token.clone() })
    }
}

impl Handler for ProcessContent {
    type Payload = Whose;
    const KIND: &'static str = "PROCESS_CONTENT";

    fn defaults(&self) -> Defaults {
        Defaults {
            queue: "low",
            priority: Priority::Low,
            attempts: 3,
            backoff: Backoff::Exponential {
                first: Duration::from_secs(10),
                factor: 3.0,
                cap: Duration::from_secs(600),
            },
            timeout: Duration::from_secs(120),
            // Who asks now does not wait for the time of an earlier wish.
            unique: Unique { policy: OnDuplicate::Replace, ..Unique::default() },
            ..Defaults::default()
        }
    }

    fn example(&self) -> Whose {
        Whose { token: TokenId::new("duckchain-token").expect("it is an id") }
    }

    fn about(whose: &Whose) -> String {
        format!("token {}", whose.token)
    }

    fn key(whose: &Whose) -> Option<String> {
        Some(format!("logo:{}", whose.token))
    }

    async fn run(&self, whose: Whose, job: Running) -> Outcome {
        let session = self.0.current.get();
        let profile = match session.market.profile_unhurried(&whose.token).await {
            Ok(profile) => profile,
            Err(error) => return after_question(session.market.source_name(), &error),
        };
        job.progress(0.3, "description read");
        let reach = reach(session.profile.active);
        let logo = match &profile.image {
            Some(address) => match self.0.outside.images.fetch(address, reach).await {
                Ok(bytes) => {
                    job.progress(0.7, "logo fetched");
                    match Logo::decode(bytes).await {
                        Ok(logo) => Some(logo),
                        Err(error) => return Outcome::Fail { error: error.to_string() },
                    }
                }
                Err(error) => return not_fetched(&error),
            },
            None => None,
        };
        let bytes: usize = logo.iter().flat_map(|logo| &logo.pictures).map(|picture| picture.png.len()).sum();
        let brought = json!({ "description": profile.description.is_some(), "logo_bytes": bytes });
        let record = Record { description: profile.description, logo, at_ms: self.0.clock.now().wall_ms };
        match self.0.content.put(session.market.source_key(), whose.token.as_str(), record).await {
            Ok(()) => Outcome::DoneWith(brought),
            Err(error) => Outcome::Retry { error: error.to_string(), after: None },
        }
    }
}

/// A live provider names addresses of the web; a development server may name its own.
pub(crate) fn reach(profile: Profile) -> Reach {
    if profile == Profile::Live { Reach::Web } else { Reach::Development }
}

/// What the host refuses or what is too large stays so; too slow and too early (408, 425) pass.
fn not_fetched(error: &FetchError) -> Outcome {
    use content::Refusal::{Status, TooLarge};
    match error {
        FetchError::Address { .. } => Outcome::Fail { error: error.to_string() },
        FetchError::Call(CallError::Failed {
            error: TooLarge | Status { status: 400..=407 | 409..=424 | 426..=499, .. },
            ..
        }) => Outcome::Fail { error: error.to_string() },
        FetchError::Call(error) => after_call(IMAGES, error),
    }
}
