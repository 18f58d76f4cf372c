//! Tests of the whole hierarchy over levels that obey, fail, hang, and forget.
#![allow(clippy::unwrap_used)]

mod conformance;
mod counted;
mod faults;
mod killed;
mod model;
mod plot;
mod races;
mod refresh;
mod rig;
mod room;
mod shelf;
mod stress;
