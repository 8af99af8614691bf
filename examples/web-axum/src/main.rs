//! Serves the notes on PORT. `web-axum check` looks whether they can be read, for the deploy hook.

use std::env;
use std::process::ExitCode;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use web_axum::{Notes, router};

#[tokio::main]
async fn main() -> ExitCode {
    let notes = Notes::new(env::var("NOTES_FILE").unwrap_or_else(|_| "data/notes.ndjson".to_owned()));
    let result = match env::args().nth(1).as_deref() {
        None => serve(notes).await,
        Some("check") => check(&notes).await,
        Some(word) => Err(format!("there is no command {word}; there is only `check`").into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("web-axum: {error}");
            ExitCode::FAILURE
        }
    }
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn serve(notes: Notes) -> Outcome {
    let port = env::var("PORT").unwrap_or_else(|_| "8888".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on {}", listener.local_addr()?);
    let mut terminate = signal(SignalKind::terminate())?;
    // An open event stream would hold the end off for ever, so the clients have a moment and no more.
    tokio::select! {
        ended = async { axum::serve(listener, router(notes)).await } => Ok(ended?),
        _ = terminate.recv() => {
            println!("asked to end");
            Ok(())
        }
    }
}

async fn check(notes: &Notes) -> Outcome {
    let count = notes.list().await?.len();
    println!("{count} notes can be read");
    Ok(())
}
