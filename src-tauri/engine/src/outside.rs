//! The outside services beside the market, each with a pipeline of its own, whatever the profile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use content::Images;
use limits::{NoJournal, Pipeline, Priority};

use crate::StartError;
use crate::api::{Problem, ServiceLimits};
use crate::config::Notifications;
use crate::limits_view::{self, Configured};
use crate::views;
use crate::webhook::Webhook;

pub(crate) const IMAGES: &str = "Images";
pub(crate) const WEBHOOK: &str = "Webhook";
/// Logos come from hosts that publish no limit; one a second is modest.
const IMAGES_PER_MINUTE: u32 = 60;
const MESSAGES_PER_MINUTE: u32 = 30;

/// Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Outside {
    pub(crate) images: Images,
    /// Swapped where another address is set: what the old one did wrong says nothing of the new one.
    webhook: Arc<Mutex<Webhook>>,
    strained: Arc<AtomicBool>,
}

/// One outside service: what its calls pass, and what the configuration says of it.
pub(crate) struct Service {
    pub(crate) pipeline: Pipeline,
    pub(crate) configured: Configured,
}

impl Outside {
    pub(crate) async fn open(strained: &Arc<AtomicBool>) -> Result<Self, StartError> {
        let images = pipeline(IMAGES, IMAGES_PER_MINUTE, strained).await?;
        let images = Images::new(images).map_err(|error| StartError::Outside(error.to_string()))?;
        let webhook = Arc::new(Mutex::new(new_webhook(strained).await?));
        Ok(Self { images, webhook, strained: Arc::clone(strained) })
    }

    pub(crate) fn webhook(&self) -> Webhook {
        self.webhook.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins anew with the webhook, and ends what is under way to the old address.
    pub(crate) async fn renew_webhook(&self) -> Result<(), Problem> {
        let new = new_webhook(&self.strained).await;
        let new = new.map_err(|error| Problem::new("failed", views::sentence(&error.to_string())))?;
        let old = std::mem::replace(&mut *self.webhook.lock().unwrap_or_else(PoisonError::into_inner), new);
        old.pipeline().stop().await;
        Ok(())
    }

    /// Those that are asked as the configuration stands.
    pub(crate) fn services(&self, notifications: &Notifications) -> Vec<Service> {
        let images = (self.images.pipeline().clone(), IMAGES_PER_MINUTE);
        let webhook = notifications.webhook.as_ref();
        let webhook = webhook.map(|_| (self.webhook().pipeline().clone(), MESSAGES_PER_MINUTE));
        let service =
            |(pipeline, limit_max)| Service { pipeline, configured: Configured::a_minute(limit_max) };
        [Some(images), webhook].into_iter().flatten().map(service).collect()
    }

    pub(crate) async fn stop(&self) {
        let webhook = self.webhook();
        tokio::join!(self.images.pipeline().stop(), webhook.pipeline().stop());
    }
}

impl Service {
    pub(crate) fn limits(&self) -> ServiceLimits {
        limits_view::service(self.pipeline.status(), &self.configured)
    }

    /// Changes how many calls a minute the service may see while this session lasts.
    pub(crate) fn set_limit(&self, limit: u32) -> Result<ServiceLimits, Problem> {
        let limit_max = self.configured.limit_max;
        if !(1..=limit_max).contains(&limit) {
            return Err(limits_view::limit_refused(limit, limit_max));
        }
        let set = self.pipeline.set_limit(limit);
        set.map_err(|error| Problem::new("invalid", error.to_string()))?;
        Ok(self.limits())
    }
}

async fn new_webhook(strained: &Arc<AtomicBool>) -> Result<Webhook, StartError> {
    let pipeline = pipeline(WEBHOOK, MESSAGES_PER_MINUTE, strained).await?;
    Webhook::new(pipeline).map_err(|error| StartError::Outside(error.to_string()))
}

/// Nobody there counts our calls over a restart, so none are recorded.
async fn pipeline(name: &str, per_minute: u32, strained: &Arc<AtomicBool>) -> Result<Pipeline, StartError> {
    let strained = Arc::clone(strained);
    let gate = move |priority| priority <= Priority::High || !strained.load(Ordering::Relaxed);
    let config = limits::Config { limit: per_minute, ..limits::Config::new(name) };
    let opened = Pipeline::open(config, Arc::new(NoJournal), gate).await;
    opened.map_err(|error| StartError::Outside(error.to_string()))
}
