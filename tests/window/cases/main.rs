//! What a person sees and does in the real window.

mod cache;
mod jobs;
mod keyboard;
mod limits;
mod markets;
mod offline;
mod overview;
mod settings;
mod start;
mod window;
