//! Which jobs a list is asked for: `field[op]=value`, and `field=value` for `field[eq]=value`.

use engine::api::{JobFilter, JobItem, JobState};
use serde::Deserialize;
use serde::de::value::{Error as WordError, StrDeserializer};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::fields::Fields;
use crate::page::{CursorText, Words};
use crate::problem::ProblemReply;

type JobFields = Fields<JobItem>;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Params {
    /// How many jobs, 1 to 500; 50 where it is not given.
    #[param(minimum = 1, maximum = 500)]
    pub(super) limit: Option<usize>,
    /// The `next` of the page before.
    #[param(inline)]
    pub(super) cursor: Option<CursorText>,
    /// Only these fields of each item, separated by commas.
    #[param(inline, style = Form, explode = false)]
    pub(super) fields: Option<JobFields>,
    /// In this state.
    #[param(inline)]
    state: Option<JobState>,
    /// In this state.
    #[serde(rename = "state[eq]")]
    #[param(inline)]
    state_eq: Option<JobState>,
    /// In one of these states, separated by commas.
    #[serde(rename = "state[in]")]
    #[param(inline, style = Form, explode = false)]
    state_in: Option<StateWords>,
    /// Of this queue.
    queue: Option<String>,
    /// Of this queue.
    #[serde(rename = "queue[eq]")]
    queue_eq: Option<String>,
    /// Of one of these queues, separated by commas.
    #[serde(rename = "queue[in]")]
    #[param(value_type = Option<String>)]
    queue_in: Option<Words>,
    /// Of this kind.
    kind: Option<String>,
    /// Of this kind.
    #[serde(rename = "kind[eq]")]
    kind_eq: Option<String>,
    /// Of one of these kinds, separated by commas.
    #[serde(rename = "kind[in]")]
    #[param(value_type = Option<String>)]
    kind_in: Option<Words>,
    /// Added after this time, Unix milliseconds.
    #[serde(rename = "created_at_ms[gt]")]
    created_gt: Option<i64>,
    /// Added at this time or later.
    #[serde(rename = "created_at_ms[gte]")]
    created_gte: Option<i64>,
    /// Added before this time.
    #[serde(rename = "created_at_ms[lt]")]
    created_lt: Option<i64>,
    /// Added at this time or before.
    #[serde(rename = "created_at_ms[lte]")]
    created_lte: Option<i64>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct StateWords(Words);

impl PartialSchema for StateWords {
    fn schema() -> RefOr<Schema> {
        crate::page::words_schema(JobState::schema(), JOB_STATES)
    }
}
impl ToSchema for StateWords {}

const JOB_STATES: usize = 8;
/// The most queues or kinds of one question; there are never more.
const WORDS_MAX: usize = 64;

impl Params {
    /// Several restrictions of one field must all hold.
    pub(super) fn filter(&self) -> Result<JobFilter, ProblemReply> {
        let states_in = self.state_in.as_ref().map(|StateWords(words)| states(words)).transpose()?;
        let only = |one: &Option<JobState>| one.map(|state| vec![state]);
        let states = all_of("state", [only(&self.state), only(&self.state_eq), states_in])?;
        let words = |field, one: &Option<String>, eq: &Option<String>, several: &Option<Words>| {
            let only = |one: &Option<String>| one.clone().map(|word| vec![word]);
            all_of(field, [only(one), only(eq), several.as_ref().map(|Words(words)| words.clone())])
        };
        let after = self.created_gt.map(|at_ms| at_ms.saturating_add(1));
        let until = self.created_lte.map(|at_ms| at_ms.saturating_add(1));
        Ok(JobFilter {
            states,
            queues: words("queue", &self.queue, &self.queue_eq, &self.queue_in)?,
            kinds: words("kind", &self.kind, &self.kind_eq, &self.kind_in)?,
            created_from_ms: after.into_iter().chain(self.created_gte).max(),
            created_to_ms: until.into_iter().chain(self.created_lt).min(),
        })
    }
}

fn states(Words(words): &Words) -> Result<Vec<JobState>, ProblemReply> {
    let state = |word: &String| {
        JobState::deserialize(StrDeserializer::<WordError>::new(word))
            .map_err(|error| ProblemReply::bad_request("invalid", format!("state[in]: {error}")))
    };
    words.iter().map(state).collect()
}

/// What is in every one of the sets that are given; empty where none is.
fn all_of<T: Clone + PartialEq>(field: &str, sets: [Option<Vec<T>>; 3]) -> Result<Vec<T>, ProblemReply> {
    let mut sets = sets.into_iter().flatten();
    let Some(mut all) = sets.next() else { return Ok(Vec::new()) };
    for set in sets {
        all.retain(|word| set.contains(word));
    }
    match all.len() {
        0 => Err(ProblemReply::bad_request(
            "invalid",
            format!("no {field} can satisfy all of its restrictions"),
        )),
        1..=WORDS_MAX => Ok(all),
        many => Err(ProblemReply::bad_request(
            "invalid",
            format!("{field}[in] has {many} values; accepted: 1 to {WORDS_MAX}"),
        )),
    }
}
