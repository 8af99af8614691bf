use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::path::PathBuf;
use tower::ServiceExt;
use web_axum::{Notes, router};

/// A file that nobody else uses, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        Scratch(std::env::temp_dir().join(format!("web-axum-{}-{name}.ndjson", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn call(notes: &Notes, request: Request<Body>) -> (StatusCode, Value) {
    let answer = router(notes.clone()).oneshot(request).await.expect("the router never fails");
    let status = answer.status();
    let bytes = answer.into_body().collect().await.expect("a whole body").to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a request")
}

fn post(note: &Value) -> Request<Body> {
    Request::post("/api/notes")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(note.to_string()))
        .expect("a request")
}

#[tokio::test]
async fn a_note_is_kept_and_listed() {
    let scratch = Scratch::new("kept");
    let notes = Notes::new(&scratch.0);
    assert_eq!(call(&notes, get("/api/notes")).await, (StatusCode::OK, json!([])));
    let (status, note) = call(&notes, post(&json!({ "author": " Ada ", "text": "one\ntwo" }))).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(note["author"], "Ada");
    let (_, all) = call(&Notes::new(&scratch.0), get("/api/notes")).await;
    assert_eq!(all, json!([note]));
}

#[tokio::test]
async fn what_is_no_note_is_refused() {
    let scratch = Scratch::new("refused");
    let notes = Notes::new(&scratch.0);
    let long = "x".repeat(3000);
    for (note, status) in [
        (json!({ "author": "", "text": "hello" }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "author": "Ada", "text": "  " }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "author": "Ada", "text": long }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "author": "Ada" }), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(call(&notes, post(&note)).await.0, status, "{note}");
    }
    assert!(notes.list().await.expect("readable").is_empty());
}

#[tokio::test]
async fn a_path_without_a_route_says_so() {
    let notes = Notes::new("unused");
    assert_eq!(call(&notes, get("/api/nothing")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_stream_tells_a_note_that_another_instance_took() {
    let scratch = Scratch::new("stream");
    let notes = Notes::new(&scratch.0);
    notes.add("Ada".to_owned(), "before".to_owned()).await.expect("written");
    let answer = router(notes).oneshot(get("/api/events")).await.expect("an answer");
    Notes::new(&scratch.0).add("Bob".to_owned(), "after".to_owned()).await.expect("written");
    let mut body = answer.into_body();
    let frame = body.frame().await.expect("a frame").expect("no error");
    let text = String::from_utf8(frame.into_data().expect("data").to_vec()).expect("text");
    assert!(text.contains("event: note") && text.contains("after") && !text.contains("before"), "{text}");
}
