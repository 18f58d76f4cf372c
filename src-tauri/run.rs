use std::{
    path::Path,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use engine::{DataDirError, Engine, Options, StartError};
use tauri::{AppHandle, Manager};
use tokio::runtime::Runtime;

use crate::{
    Flags, Profile, api, bindings, display, instance, moments::Moments, stream::FrameStream, window,
};

/// How long the engine may take to write what it holds when the window closes.
const STOP_AT_LATEST: Duration = Duration::from_secs(5);

/// Runs the desktop program until its window closes; every failure to start is one sentence on stderr.
pub fn run(flags: Flags) -> ExitCode {
    match start(flags, Instant::now()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The engine starts on its own thread while GTK does: each takes a good part of the time to the first paint.
fn start(flags: Flags, started: Instant) -> anyhow::Result<()> {
    let runtime = runtime().context("The threads of the engine could not be started")?;
    tauri::async_runtime::set(runtime.handle().clone());
    display::check().map_err(|sentence| anyhow!(sentence))?;

    let hidden = flags.hidden;
    let options = options(flags);
    // GTK, once begun, does not always end in peace: who only has to raise a window does without it.
    if let Some(dir) = options.data_dir()
        && let Ok(pid) = runtime.block_on(instance::raise_first(&dir))
    {
        return Err(anyhow!(raised(&dir, pid)));
    }
    let handle = runtime.handle().clone();
    let starting = thread::spawn(move || handle.block_on(Engine::start(options)));
    let commands = bindings::builder();
    let app = tauri::Builder::default()
        .invoke_handler(commands.invoke_handler())
        .build(context())
        .context("The window system could not be started")?;
    let engine = match starting.join().expect("starting the engine does not panic") {
        Ok(engine) => engine,
        Err(StartError::DataDir(DataDirError::InUse { path, pid })) => {
            return Err(anyhow!(runtime.block_on(yield_to(&path, pid))));
        }
        Err(error) => return Err(error.into()),
    };

    let data_dir = engine.data_dir();
    let handle = app.handle().clone();
    app.manage(engine.clone());
    app.manage(FrameStream::new());
    app.manage(Moments::since(started));
    runtime.spawn(exit_on_signal(handle.clone()));
    answer_second_starts(&runtime, &data_dir, handle.clone());
    let api = runtime.block_on(api::serve(&engine));
    let opened = window::open(&handle, engine.settings().theme, &data_dir, hidden);
    let code = match &opened {
        Ok(()) => app.run_return(|_, _| ()),
        Err(_) => 0,
    };

    handle.state::<FrameStream>().close();
    runtime.block_on(async {
        if let Some(api) = api {
            api.stop().await;
        }
        if tokio::time::timeout(STOP_AT_LATEST, engine.stop()).await.is_err() {
            tracing::warn!(
                "the engine did not stop within {STOP_AT_LATEST:?}; what is durable is on the disk"
            );
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(200));
    opened.context("The window could not be opened")?;
    if code == 0 { Ok(()) } else { Err(anyhow!("The window ended with code {code}.")) }
}

/// What the build script made of `tauri.conf.json` and `ui/dist`.
#[allow(clippy::unwrap_used, reason = "the code is generated")]
fn context() -> tauri::Context {
    tauri::tauri_build_context!()
}

fn runtime() -> std::io::Result<Runtime> {
    // The engine waits more than it computes: more threads only cost memory.
    let threads = thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 4));
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("eider-worker")
        .enable_all()
        .build()
}

fn options(flags: Flags) -> Options {
    Options {
        profile: flags.profile.map(Profile::choice),
        data_dir: flags.data_dir,
        config_file: flags.config,
        notifier: notifier(),
        ..Options::default()
    }
}

fn notifier() -> Option<engine::Notifier> {
    #[cfg(target_os = "linux")]
    return Some(engine::Notifier::new(crate::notify::Desktop));
    #[cfg(not(target_os = "linux"))]
    None
}

fn raised(data_dir: &Path, pid: u32) -> String {
    format!("Eider is already running for {} (pid {pid}); its window was raised.", data_dir.display())
}

/// What a second start on the same data directory says before it ends.
async fn yield_to(data_dir: &Path, holder: Option<u32>) -> String {
    let dir = data_dir.display();
    match (instance::raise_first(data_dir).await, holder) {
        (Ok(pid), _) => raised(data_dir, pid),
        (Err(_), Some(pid)) => format!(
            "An engine without a window, perhaps eiderd, is already running for {dir} (pid {pid}): stop it, or \
             choose another folder with --data-dir."
        ),
        (Err(_), None) => format!(
            "Another program holds the lock on {dir}: stop it, or choose another folder with --data-dir."
        ),
    }
}

fn answer_second_starts(runtime: &Runtime, data_dir: &Path, app: AppHandle) {
    let _inside = runtime.enter();
    match instance::listen(data_dir) {
        Ok(listener) => {
            runtime.spawn(instance::serve(listener, instance::PATIENCE, move || window::raise(&app)));
        }
        Err(error) => tracing::warn!(%error, "a second start will not be able to raise this window"),
    }
}

async fn exit_on_signal(app: AppHandle) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = tokio::signal::ctrl_c() => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM will end the program without a clean stop");
                return;
            }
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        return;
    }
    app.exit(0);
}
