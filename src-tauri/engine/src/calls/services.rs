//! Outside services: their limits, their breakers, and one real question to each.

use std::time::Instant;

use crate::api::{LimitsView, Problem, ServiceLimits, ServiceTest};
use crate::outside::{IMAGES, Service, WEBHOOK};
use crate::{Engine, views, work};

impl Engine {
    /// The limits of every outside service.
    pub fn limits_view(&self) -> LimitsView {
        let services = self.services().iter().map(Service::limits).collect();
        LimitsView { now_ms: self.0.clock.now().wall_ms, services, api: None }
    }

    /// Changes how many calls a service may see a minute, until the profile starts anew; no more than the
    /// configuration allows.
    ///
    /// # Errors
    /// `unknown_service`, or `invalid` with what is accepted.
    pub fn set_service_limit(&self, name: &str, limit: u32) -> Result<ServiceLimits, Problem> {
        self.service(name)?.set_limit(limit)
    }

    /// Refuses every call to a service until it is closed again by hand.
    ///
    /// # Errors
    /// `unknown_service`
    pub fn isolate_service(&self, name: &str) -> Result<ServiceLimits, Problem> {
        let service = self.service(name)?;
        service.pipeline.isolate();
        Ok(service.limits())
    }

    /// Lets calls to a service pass again, whatever its breaker thought of it.
    ///
    /// # Errors
    /// `unknown_service`
    pub fn close_service(&self, name: &str) -> Result<ServiceLimits, Problem> {
        let service = self.service(name)?;
        service.pipeline.close_breaker();
        Ok(service.limits())
    }

    /// Makes one call to a service, within its limits, to see whether it answers.
    ///
    /// # Errors
    /// `unknown_service`; that it does not answer is no error but told.
    pub async fn test_service(&self, name: &str) -> Result<ServiceTest, Problem> {
        self.service(name)?;
        let started = Instant::now();
        let problem = self.ask(name).await.err();
        let took_ms = started.elapsed().as_secs_f64() * 1000.0;
        Ok(ServiceTest { ok: problem.is_none(), took_ms, problem })
    }

    /// One real question to a service.
    async fn ask(&self, name: &str) -> Result<(), Problem> {
        let market = &self.0.session().market;
        match name {
            IMAGES => {
                let watched = market.watched_ids().into_iter().next();
                let token = watched.ok_or_else(|| {
                    Problem::new("nothing_to_ask", "No token is watched whose logo could be fetched.")
                })?;
                let profile =
                    market.profile_unhurried(&token).await.map_err(|error| views::problem(&error))?;
                let address = profile.image.ok_or_else(|| {
                    Problem::new(
                        "nothing_to_ask",
                        format!("{} names no logo of {token}.", market.source_name()),
                    )
                })?;
                let reach = work::reach(self.0.session().profile.active);
                let fetched = self.0.outside.images.fetch(&address, reach).await;
                fetched
                    .map(|_| ())
                    .map_err(|error| Problem::new("failed", views::sentence(&error.to_string())))
            }
            WEBHOOK => {
                let address = self.0.book.with(|config| config.notifications.webhook.clone());
                let address =
                    address.ok_or_else(|| Problem::new("nothing_to_ask", "No webhook is set any more."))?;
                let text =
                    serde_json::json!({ "title": "A test", "body": "Somebody tested the webhook in Eider." });
                let id = format!("eider-test-{}", self.0.clock.now().wall_ms);
                let posted = self.0.outside.webhook().post(&address, &id, &text).await;
                posted.map_err(|error| Problem::new(error.code(), views::sentence(&error.to_string())))
            }
            _ => market.ping().await.map_err(|error| views::problem(&error)),
        }
    }

    /// The market source first.
    pub(crate) fn services(&self) -> Vec<Service> {
        let outside = self.0.book.with(|config| self.0.outside.services(&config.notifications));
        std::iter::once(self.0.session().service()).chain(outside).collect()
    }

    fn service(&self, name: &str) -> Result<Service, Problem> {
        let mut services = self.services();
        let names: Vec<String> = services.iter().map(|service| service.pipeline.status().service).collect();
        if let Some(at) = names.iter().position(|known| known == name) {
            return Ok(services.swap_remove(at));
        }
        let (shown, known): (String, _) = (name.chars().take(64).collect(), names.join(", "));
        Err(Problem::new("unknown_service", format!("There is no service {shown:?}; services are {known}.")))
    }
}
