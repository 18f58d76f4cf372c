//! The `eider` program: reads the flags and hands over to the shell.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    eider::run(eider::Flags::parse())
}
