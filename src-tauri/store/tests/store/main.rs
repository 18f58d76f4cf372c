//! The store at its edges, on real files.
#![allow(clippy::unwrap_used)]

mod support;

mod crash;
mod damage;
mod data_dir;
mod lifecycle;
mod limits;
mod migrations;
mod reads;
mod slow;
mod writes;
