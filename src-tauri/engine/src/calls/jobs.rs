//! Jobs and queues: what can be asked of the engine, and done to them.

use jobs::{AddError, Added, JobId, NewJob, Waker};

use crate::api::{
    JobAdded, JobDetail, JobFilter, JobKindView, JobPage, JobsView, NewJobRequest, Problem, QueueView,
};
use crate::once::{self, Known};
use crate::{Engine, jobs_view};

impl Engine {
    /// The queues, what is in them, and the kinds that can be added.
    ///
    /// # Errors
    /// `store_failed`
    pub async fn jobs_view(&self) -> Result<JobsView, Problem> {
        let queues = self.queues().await?;
        let (load_factor, deferring) = self.0.jobs.load();
        Ok(JobsView {
            now_ms: self.0.clock.now().wall_ms,
            load_factor,
            deferring,
            counts: queues.iter().map(|queue| queue.counts).sum(),
            kinds: self.job_kinds(),
            queues,
        })
    }

    /// The queues, and what is in them.
    ///
    /// # Errors
    /// `store_failed`
    pub async fn queues(&self) -> Result<Vec<QueueView>, Problem> {
        let queues = self.0.jobs.queues().await.map_err(|error| jobs_view::problem(&error))?;
        Ok(queues.into_iter().map(jobs_view::queue).collect())
    }

    /// The kinds of jobs that can be added.
    pub fn job_kinds(&self) -> Vec<JobKindView> {
        self.0.jobs.kinds().into_iter().map(jobs_view::kind).collect()
    }

    /// Jobs, newest first: those added before the job `before`, at most `limit` (1 to 500).
    ///
    /// # Errors
    /// `invalid` or `store_failed`
    pub async fn jobs_page(
        &self,
        filter: JobFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<JobPage, Problem> {
        let filter = jobs_view::filter(filter);
        let page = self.0.jobs.list(&filter, before.map(JobId), limit).await;
        let page = page.map_err(|error| jobs_view::refused_filter(&error))?;
        let now_ms = self.0.clock.now().wall_ms;
        let items = page.rows.into_iter().map(|row| jobs_view::item(row, now_ms)).collect();
        Ok(JobPage { items, next: page.next.map(|id| id.0) })
    }

    /// All about one job, and why it waits where it does.
    ///
    /// # Errors
    /// `unknown_job` or `store_failed`
    pub async fn job(&self, id: i64) -> Result<JobDetail, Problem> {
        let job = self.0.jobs.job(JobId(id)).await.map_err(|error| jobs_view::problem(&error))?;
        let why = self.0.jobs.why_of(&job);
        Ok(jobs_view::detail(job, &why, self.0.clock.now().wall_ms))
    }

    /// Adds a job. With an idempotency key, the same request within a day gives the job that the first one made.
    ///
    /// # Errors
    /// `unknown_kind`, `bad_payload`, `payload_too_large` or `invalid` name what is accepted;
    /// `queue_full` and `overloaded` say when to try again; `queue_draining`, `store_failed`; `key_reused` where the
    /// idempotency key came with another request before.
    pub async fn add_job(
        &self,
        request: NewJobRequest,
        idempotency_key: Option<&str>,
    ) -> Result<JobAdded, Problem> {
        let added = match idempotency_key {
            None => self.0.jobs.add(jobs_view::new_job(request)?).await,
            Some(key) => {
                let text = serde_json::to_string(&request).unwrap_or_default();
                self.add_once(key, text, jobs_view::new_job(request)?).await?
            }
        };
        let added = added.map_err(|error| jobs_view::refused(&error))?;
        Ok(JobAdded { id: added.id.0, existing: added.existing })
    }

    /// The job and the memory of its key exist both or neither.
    async fn add_once(
        &self,
        key: &str,
        request: String,
        job: NewJob,
    ) -> Result<Result<Added, AddError>, Problem> {
        if !(1..=IDEMPOTENCY_KEY_MAX).contains(&key.len()) {
            let text =
                format!("The idempotency key has {} bytes; accepted: 1 to {IDEMPOTENCY_KEY_MAX}.", key.len());
            return Err(Problem::new("invalid", text));
        }
        let (key, jobs, now_ms) = (key.to_owned(), self.0.jobs.clone(), self.0.clock.now().wall_ms);
        let waker = jobs.waker();
        let written = self.0.stores.durable.write("jobs.add_once", move |tx| {
            match once::find(tx, &key, &request, now_ms)? {
                Some(Known::Same(id)) => {
                    return Ok(Once::Added(Ok(Added { id: JobId(id), existing: true }), waker));
                }
                Some(Known::Other) => return Ok(Once::KeyReused),
                None => {}
            }
            let added = jobs.enqueue_in(tx, job);
            if let Ok(added) = &added {
                once::remember(tx, &key, &request, added.id.0, now_ms)?;
            }
            match added {
                // Nothing of it may be kept.
                Err(AddError::Store(error)) => Err(error),
                answer => Ok(Once::Added(answer, waker)),
            }
        });
        match written.await {
            Ok(Once::Added(answer, _waker)) => Ok(answer),
            Ok(Once::KeyReused) => Err(Problem::new(
                "key_reused",
                "This idempotency key came with another request before; use a new key for a new request.",
            )),
            Err(error) => Ok(Err(AddError::Store(error))),
        }
    }

    /// Has a job start as soon as it can: one that ended starts anew, one that waits for its time does so now.
    ///
    /// # Errors
    /// `unknown_job`, `not_allowed`, `queue_full`, `queue_draining` or `store_failed`
    pub async fn retry_job(&self, id: i64) -> Result<JobDetail, Problem> {
        self.0.jobs.retry(JobId(id)).await.map_err(|error| jobs_view::problem(&error))?;
        self.job(id).await
    }

    /// Ends a job that is not wanted any more; one under way is told to end.
    ///
    /// # Errors
    /// `unknown_job`, `not_allowed` or `store_failed`
    pub async fn cancel_job(&self, id: i64) -> Result<JobDetail, Problem> {
        self.0.jobs.cancel(JobId(id)).await.map_err(|error| jobs_view::problem(&error))?;
        self.job(id).await
    }

    /// Removes a job that has ended, for good.
    ///
    /// # Errors
    /// `unknown_job`, `not_allowed` or `store_failed`
    pub async fn discard_job(&self, id: i64) -> Result<(), Problem> {
        self.0.jobs.discard(JobId(id)).await.map_err(|error| jobs_view::problem(&error))
    }

    /// Has every failed job of a queue, or of all, start anew; how many.
    ///
    /// # Errors
    /// `unknown_queue` or `store_failed`
    pub async fn retry_failed_jobs(&self, queue: Option<&str>) -> Result<u64, Problem> {
        self.0.jobs.retry_failed(queue).await.map_err(|error| jobs_view::problem(&error))
    }

    /// Starts no more jobs of a queue; it goes on taking them. It stays so over a restart.
    ///
    /// # Errors
    /// `unknown_queue` or `store_failed`
    pub async fn pause_queue(&self, name: &str) -> Result<QueueView, Problem> {
        self.0.jobs.pause(name).await.map_err(|error| jobs_view::problem(&error))?;
        self.queue(name).await
    }

    /// Takes a pause and a draining back.
    ///
    /// # Errors
    /// `unknown_queue` or `store_failed`
    pub async fn resume_queue(&self, name: &str) -> Result<QueueView, Problem> {
        self.0.jobs.resume(name).await.map_err(|error| jobs_view::problem(&error))?;
        self.queue(name).await
    }

    /// Lets a queue finish what it has and take no more. It stays so over a restart.
    ///
    /// # Errors
    /// `unknown_queue` or `store_failed`
    pub async fn drain_queue(&self, name: &str) -> Result<QueueView, Problem> {
        self.0.jobs.drain(name).await.map_err(|error| jobs_view::problem(&error))?;
        self.queue(name).await
    }

    /// How many jobs of a queue run at once, from now on and over a restart.
    ///
    /// # Errors
    /// `unknown_queue`, `invalid` or `store_failed`
    pub async fn set_queue_concurrency(&self, name: &str, concurrency: u32) -> Result<QueueView, Problem> {
        let set = self.0.jobs.set_concurrency(name, concurrency).await;
        set.map_err(|error| jobs_view::problem(&error))?;
        self.queue(name).await
    }

    async fn queue(&self, name: &str) -> Result<QueueView, Problem> {
        let found = self.queues().await?.into_iter().find(|queue| queue.name == name);
        found.ok_or_else(|| Problem::new("unknown_queue", format!("There is no queue {name:?}.")))
    }
}

/// The most bytes of an idempotency key.
const IDEMPOTENCY_KEY_MAX: usize = 255;

enum Once {
    Added(Result<Added, AddError>, Waker),
    KeyReused,
}
