//! The engine without a window.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use eider_http::Server;
use engine::{Engine, Options, ProfileChoice};

/// How long threads that still work after the stop are waited for.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// Runs the Eider engine without a window and serves its HTTP API.
#[derive(Parser)]
#[command(version)]
struct Flags {
    /// Where prices come from.
    #[arg(long, value_parser = parse_profile, value_name = "auto|live|demo|local")]
    profile: Option<ProfileChoice>,
    /// The folder for databases and logs.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen; port 0 picks a free one. The default is that of the configuration, 127.0.0.1:7878.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

fn parse_profile(text: &str) -> Result<ProfileChoice, String> {
    let found = ProfileChoice::NAMES.into_iter().find(|(name, _)| *name == text);
    found.map(|(_, choice)| choice).ok_or_else(|| "accepted: auto, live, demo, local".to_owned())
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let ended = match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let ended = runtime.block_on(run(flags));
            // All that matters has ended; a look-up of a name that hangs in the system must not hold up the exit.
            runtime.shutdown_timeout(LEFTOVERS);
            ended
        }
        Err(error) => Err((1, format!("threads cannot be started: {error}"))),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err((status, sentence)) => {
            // Whoever started this process may have closed its outputs; the status tells all the same.
            let _ = writeln!(std::io::stderr(), "eiderd: {sentence}");
            ExitCode::from(status)
        }
    }
}

async fn run(flags: Flags) -> Result<(), (u8, String)> {
    let mut stop = stop_signal().map_err(|error| (1, format!("signals cannot be received: {error}")))?;
    let options = Options {
        profile: flags.profile,
        data_dir: flags.data_dir,
        config_file: flags.config,
        strict_config: true,
        always_fresh: true,
        ..Options::default()
    };
    let engine = Engine::start(options).await.map_err(|error| (error.exit_status(), error.to_string()))?;
    let listen = flags.listen.unwrap_or(engine.http_config().listen);
    let server = match Server::start(engine.clone(), listen).await {
        Ok(server) => server,
        Err(error) => {
            engine.stop().await;
            return Err((1, error.to_string()));
        }
    };
    // A closed output is no reason to stop.
    let _ = writeln!(std::io::stdout(), "listening on http://{}", server.address());
    let _ = stop.recv().await;
    server.stop().await;
    engine.stop().await;
    Ok(())
}

/// Receives one message at the first signal to stop.
fn stop_signal() -> std::io::Result<tokio::sync::mpsc::Receiver<()>> {
    let (tell, stop) = tokio::sync::mpsc::channel(1);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            let _ = tell.send(()).await;
        });
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        let _ = tell.send(()).await;
    });
    Ok(stop)
}
