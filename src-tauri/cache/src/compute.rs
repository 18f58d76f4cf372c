//! A value or its computation: single flight, refresh ahead, stale on error.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::class::LIFE_MAX;
use crate::computed::{Computed, Failure, Previous};
use crate::counters::Event;
use crate::entry::{Cached, Life, Slot, Traits};
use crate::flight::{Landing, Ticket, landed};
use crate::marks::Cell;
use crate::name::check_validator;
use crate::setback::{Lasting, Setback};
use crate::walk::{Found, Ripeness};
use crate::write::{Made, Spot, Writer};
use crate::{Class, ComputeError, Hit, Level, Levels, Region};

impl Region {
    /// The fresh value of this key, or else the outcome of `compute`, which runs once however many ask.
    ///
    /// The computation goes on when its callers are dropped. Where it fails, or takes longer than the class's
    /// soft timeout, a stale value serves instead if there is one that was not invalidated meanwhile. Past the
    /// class's refresh-ahead point a hit starts it in the background.
    ///
    /// # Errors
    /// [`ComputeError`], where there is no value at all.
    pub async fn get_or_compute<T, E, F, Fut>(
        &self,
        key: &str,
        class: &Class,
        tags: &[&str],
        compute: F,
    ) -> Result<Hit<T>, ComputeError<E>>
    where
        T: Cached,
        E: Send + Sync + 'static,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        let found = match self.core.at_hand(&self.area, key) {
            Some(Found::Fresh(hit, ripeness)) if !is_due(class, ripeness) => return Ok(hit),
            found => found,
        };
        let start = |_: &Region, _: &Spot| {
            let computing = compute();
            async move { Ok((Computed::value(computing.await.map_err(Failure::passing)?), None)) }
        };
        Box::pin(self.settle(found, key, class, tags, start)).await
    }

    /// As [`get_or_compute`](Self::get_or_compute), for a source that can be asked whether its last answer still
    /// holds, says how long an answer is fresh, or fails in ways that are answers too.
    ///
    /// `compute` is given the previous value, fresh or stale, unless it was invalidated.
    ///
    /// # Errors
    /// As there; a [lasting failure](Failure::lasting) is given to later callers without asking the source.
    pub async fn get_or_compute_with<T, E, F, Fut>(
        &self,
        key: &str,
        class: &Class,
        tags: &[&str],
        compute: F,
    ) -> Result<Hit<T>, ComputeError<E>>
    where
        T: Cached,
        E: Send + Sync + 'static,
        F: FnOnce(Option<Previous<T>>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Computed<T>, Failure<E>>> + Send + 'static,
    {
        let found = match self.core.at_hand(&self.area, key) {
            Some(Found::Fresh(hit, ripeness)) if !is_due(class, ripeness) => return Ok(hit),
            found => found,
        };
        let start = |region: &Region, spot: &Spot| {
            // Looked up once the flight has its stamp, so that whatever changes the value later overtakes it.
            let (region, spot) = (region.clone(), spot.clone());
            async move {
                let previous = region.previous::<T>(&spot);
                Ok((compute(previous.clone()).await?, previous))
            }
        };
        Box::pin(self.settle(found, key, class, tags, start)).await
    }

    /// Answers what memory alone could not: from below, from the source, or with something stale.
    async fn settle<T, E, F, Fut>(
        &self,
        found: Option<Found<T>>,
        key: &str,
        class: &Class,
        tags: &[&str],
        start: F,
    ) -> Result<Hit<T>, ComputeError<E>>
    where
        T: Cached,
        E: Send + Sync + 'static,
        F: FnOnce(&Region, &Spot) -> Fut,
        Fut: Future<Output = Result<Answer<T>, Failure<E>>> + Send + 'static,
    {
        self.check(key, class, tags)?;
        let (core, spot) = (&self.core, self.spot(key));
        let found = match found {
            Some(found) => found,
            // What another class may have left below is recomputed rather than looked for.
            None if class.levels == Levels::MEMORY => Found::Nothing,
            None => core.look_below(&self.area, key).await,
        };
        let now = core.clock.now();
        let failed_lately = || core.setbacks.failed_lately(spot.key.as_ref(), class.retry_after_failure, now);
        let stale = match found {
            Found::Fresh(hit, ripeness) => {
                if is_due(class, ripeness) && !failed_lately() {
                    self.area.counters.count(Event::Refreshed);
                    drop(self.fly(&spot, class, tags, Some(hit.created_at_ms), start));
                }
                return Ok(hit);
            }
            Found::Stale(hit, slot) => Some((hit, slot)),
            Found::Nothing => None,
        };
        if let Some(error) = core.setbacks.lasting::<E>(spot.key.as_ref(), now, core.marks.floor()) {
            self.area.counters.count(Event::AnsweredNegative);
            return Err(ComputeError::Failed(error));
        }
        if let Some((hit, _)) = &stale
            && failed_lately()
        {
            self.area.counters.count(Event::ServedStale);
            return Ok(hit.clone());
        }
        self.area.counters.count(Event::WentToOrigin);
        let flight = self.fly(&spot, class, tags, None, start);
        match stale {
            None => landed(flight).await,
            Some((hit, slot)) => self.newer_or_stale(&spot, class, flight, hit, &slot).await,
        }
    }

    async fn newer_or_stale<T: Cached, E: Send + Sync + 'static>(
        &self,
        spot: &Spot,
        class: &Class,
        flight: Landing<Hit<T>, E>,
        stale: Hit<T>,
        slot: &Slot,
    ) -> Result<Hit<T>, ComputeError<E>> {
        let core = &self.core;
        let error = match tokio::time::timeout(class.soft_timeout, landed(flight)).await {
            Ok(Ok(newer)) => return Ok(newer),
            Ok(Err(error)) => error,
            Err(_elapsed) => ComputeError::TimedOut(class.soft_timeout),
        };
        let now = core.clock.now();
        let answered = core.setbacks.lasting::<E>(spot.key.as_ref(), now, core.marks.floor()).is_some();
        if answered || !core.still_valid(&spot.key, slot) {
            return Err(error);
        }
        self.area.counters.count(Event::ServedStale);
        Ok(stale)
    }

    /// Starts or joins the flight of this key. `instead_of` is the creation time of the fresh value that a refresh
    /// is to replace; another fresh value answers the flight without a computation.
    fn fly<T, E, F, Fut>(
        &self,
        spot: &Spot,
        class: &Class,
        tags: &[&str],
        instead_of: Option<i64>,
        start: F,
    ) -> Landing<Hit<T>, E>
    where
        T: Cached,
        E: Send + Sync + 'static,
        F: FnOnce(&Region, &Spot) -> Fut,
        Fut: Future<Output = Result<Answer<T>, Failure<E>>> + Send + 'static,
    {
        let core = &self.core;
        let tags = core.cells(tags);
        let marks: Arc<[Arc<Cell>]> = tags.iter().chain([&self.area.mark]).map(Arc::clone).collect();
        let compute = |ticket: Ticket| {
            let flight = Flight { region: self.clone(), spot: spot.clone(), class: *class, tags, ticket };
            flight.run(instead_of, start(self, spot))
        };
        let stamp = || core.next_stamp();
        core.flights.join_or_start(&spot.key, marks, core.marks.floor(), stamp, class.hard_timeout, compute)
    }

    fn previous<T: Cached>(&self, spot: &Spot) -> Option<Previous<T>> {
        let slot = self.core.memory.get(spot.key.as_ref())?;
        let validator = slot.traits.validator.clone();
        match self.core.judge::<T>(slot, Level::Memory) {
            Found::Fresh(hit, _) | Found::Stale(hit, _) => {
                Some(Previous { value: hit.value, created_at_ms: hit.created_at_ms, validator })
            }
            Found::Nothing => None,
        }
    }
}

/// What a computation answered, and the value that it was asked about.
type Answer<T> = (Computed<T>, Option<Previous<T>>);

fn is_due(class: &Class, ripeness: Ripeness) -> bool {
    class.refresh_ahead.is_some_and(|share| ripeness.is_past(share))
}

/// One computation under way.
struct Flight {
    region: Region,
    spot: Spot,
    class: Class,
    tags: Box<[Arc<Cell>]>,
    ticket: Ticket,
}

impl Flight {
    async fn run<T, E, Fut>(self, instead_of: Option<i64>, computing: Fut) -> Result<Hit<T>, ComputeError<E>>
    where
        T: Cached,
        E: Send + Sync + 'static,
        Fut: Future<Output = Result<Answer<T>, Failure<E>>> + Send,
    {
        let core = &self.region.core;
        // The flight of another caller may have landed between our look-up and our start; what it brought stands in
        // memory before its key is freed.
        if let Found::Fresh(hit, _) = core.in_memory::<T>(&self.spot.key)
            && instead_of != Some(hit.created_at_ms)
        {
            return Ok(hit);
        }
        self.region.area.counters.count(Event::Computed);
        let mut watch =
            FailureWatch { flight: &self, lasting: None, succeeded: false, started: Instant::now() };
        let (answer, previous) = match computing.await {
            Ok(answer) => answer,
            Err(Failure { error, lasting }) => {
                let error = Arc::new(error);
                if lasting && let Some(ttl) = self.class.negative_ttl {
                    watch.lasting = Some(self.remember(Arc::clone(&error), ttl));
                }
                return Err(ComputeError::Failed(error));
            }
        };
        let hit = self.keep(answer, previous).await?;
        watch.succeeded = true;
        Ok(hit)
    }

    /// Stores what was computed, or renews the previous value.
    async fn keep<T: Cached, E>(
        &self,
        answer: Computed<T>,
        previous: Option<Previous<T>>,
    ) -> Result<Hit<T>, ComputeError<E>> {
        let core = &self.region.core;
        let Computed { value, max_age, validator } = answer;
        check_validator(validator.as_deref())?;
        let (value, validator) = match (value, previous) {
            (Some(value), _) => (Arc::new(value), validator),
            (None, Some(previous)) => {
                self.region.area.counters.count(Event::Renewed);
                (previous.value, validator.or(previous.validator))
            }
            (None, None) => return Err(ComputeError::NothingToRenew),
        };
        let mut class = self.class;
        if let Some(max_age) = max_age {
            class.ttl = max_age.clamp(Duration::from_millis(1), LIFE_MAX);
        }
        let created_at_ms = core.clock.now().wall_ms;
        let life = Life::new(&class, created_at_ms, self.ticket.stamp);
        let traits = Traits::of(&class, validator);
        let (tags, compress_over) = (self.tags.clone(), class.compress_over);
        let made = Made { life, tags, traits, value: Arc::clone(&value), compress_over };
        core.store(&self.spot, made, Writer::Flight).await?;
        Ok(Hit { value, created_at_ms, level: Level::Origin, stale: false })
    }

    fn remember<E: Send + Sync + 'static>(&self, error: Arc<E>, ttl: Duration) -> Lasting {
        Lasting { error, ttl, stamp: self.ticket.stamp, marks: Arc::clone(&self.ticket.marks) }
    }
}

/// Counts a computation, and notes one that ends in any way but success: an error, a panic, a deadline, the end of
/// the engine.
struct FailureWatch<'a> {
    flight: &'a Flight,
    lasting: Option<Lasting>,
    succeeded: bool,
    started: Instant,
}

impl Drop for FailureWatch<'_> {
    fn drop(&mut self) {
        let Flight { region, spot, ticket, .. } = self.flight;
        let core = &region.core;
        core.computations.add(self.started.elapsed());
        if self.succeeded {
            core.setbacks.forget(spot.key.as_ref());
            return;
        }
        region.area.counters.count(Event::ComputationFailed);
        // A failure from before a write or a removal says nothing of the time after it.
        if !core.flights.is_overtaken(&spot.key, ticket.stamp) {
            core.setbacks
                .note(spot.key.clone(), Setback { at: core.clock.now(), lasting: self.lasting.take() });
        }
    }
}
