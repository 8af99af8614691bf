//! What the program does, apart from its arguments: it lives in the library, so that everything heavy is compiled once.

use crate::{Notes, router};
use std::env;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

/// How a command ended.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Serves the notes on PORT until it is asked to end.
pub fn serve() -> Outcome {
    say_on_output();
    Runtime::new()?.block_on(async {
        let port = env::var("PORT").unwrap_or_else(|_| "8888".to_owned());
        let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
        tracing::info!("listening on {}", listener.local_addr()?);
        let mut terminate = signal(SignalKind::terminate())?;
        // An open event stream would hold the end off for ever, so the clients have a moment and no more.
        tokio::select! {
            ended = async { axum::serve(listener, router(open_notes())).await } => Ok(ended?),
            _ = terminate.recv() => {
                tracing::info!("asked to end");
                Ok(())
            }
        }
    })
}

/// Looks whether the notes can be read.
pub fn check() -> Outcome {
    let count = Runtime::new()?.block_on(open_notes().list())?.len();
    println!("{count} notes can be read");
    Ok(())
}

/// RUST_LOG chooses how much is said. The platform puts the time before each line.
fn say_on_output() {
    let wish = env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned());
    tracing_subscriber::fmt().with_env_filter(wish).with_ansi(false).without_time().init();
}

fn open_notes() -> Notes {
    Notes::new(env::var("NOTES_FILE").unwrap_or_else(|_| "data/notes.ndjson".to_owned()))
}
