//! The routes below `/api`.

use crate::notes::{LONGEST, Note, Notes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// How often a stream looks for notes that another instance wrote.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What a client sends to add a note.
#[derive(Deserialize)]
struct NewNote {
    author: String,
    text: String,
}

/// Every route of the service.
pub fn router(notes: Notes) -> Router {
    Router::new()
        .route("/api/notes", get(list_notes).post(add_note))
        .route("/api/events", get(stream_notes))
        .route("/api/health", get(|| async { Json(json!({ "ok": true })) }))
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "there is nothing here") })
        .with_state(notes)
}

async fn list_notes(State(notes): State<Notes>) -> Result<Json<Vec<Note>>, Response> {
    notes.list().await.map(Json).map_err(|error| internal(&error))
}

async fn add_note(State(notes): State<Notes>, Json(new): Json<NewNote>) -> Result<Response, Response> {
    let (author, text) = (new.author.trim(), new.text.trim());
    if author.is_empty() || text.is_empty() {
        return Err(problem(StatusCode::UNPROCESSABLE_ENTITY, "a note needs an author and a text"));
    }
    if author.len() + text.len() > LONGEST {
        return Err(problem(StatusCode::UNPROCESSABLE_ENTITY, "the note is too long"));
    }
    let note = notes.add(author.to_owned(), text.to_owned()).await.map_err(|error| internal(&error))?;
    Ok((StatusCode::CREATED, Json(note)).into_response())
}

/// Server-sent events: one for each note from now on, whichever instance took it.
async fn stream_notes(State(notes): State<Notes>) -> Result<Response, Response> {
    let (_, mut offset) = notes.read_from(u64::MAX).await.map_err(|error| internal(&error))?;
    let (sender, receiver) = mpsc::channel::<Result<Event, Infallible>>(16);
    tokio::spawn(async move {
        let mut clock = tokio::time::interval(LOOK_EVERY);
        while !sender.is_closed() {
            clock.tick().await;
            let Ok((fresh, next)) = notes.read_from(offset).await else { continue };
            offset = next;
            for note in fresh {
                let Ok(event) = Event::default().event("note").json_data(&note) else { continue };
                if sender.send(Ok(event)).await.is_err() {
                    return;
                }
            }
        }
    });
    let events = Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default());
    Ok(events.into_response())
}

fn internal(error: &std::io::Error) -> Response {
    eprintln!("the notes could not be read or written: {error}");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "the notes are out of reach")
}

fn problem(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}
