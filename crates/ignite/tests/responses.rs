//! Everything that can be returned, and what is answered.

use ignite::prelude::*;
use ignite::{HeaderMap, Html, http};

fn answered(value: impl IntoResponse) -> (u16, Option<String>, String) {
    let (head, body) = value.into_response().into_parts();
    let body = ignite::test::block_on(body.collect(1024)).unwrap();
    let content_type = head.headers.get("content-type").map(|value| value.to_str().unwrap().to_owned());
    (head.status.as_u16(), content_type, String::from_utf8(body.into()).unwrap())
}

#[track_caller]
fn expect(value: impl IntoResponse, status: u16, content_type: &str, body: &str) {
    let content_type = (!content_type.is_empty()).then(|| content_type.to_owned());
    assert_eq!(answered(value), (status, content_type, body.to_owned()));
}

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";
const JSON: &str = "application/json";

#[test]
fn text_bytes_and_json_have_their_types() {
    expect("a", 200, TEXT, "a");
    expect(String::from("a"), 200, TEXT, "a");
    expect(std::borrow::Cow::Borrowed("a"), 200, TEXT, "a");
    expect(vec![b'a'], 200, BYTES, "a");
    expect(b"a", 200, BYTES, "a");
    expect(Bytes::from("a"), 200, BYTES, "a");
    expect(json!({ "a": 1 }), 200, JSON, r#"{"a":1}"#);
    expect(Json([1, 2]), 200, JSON, "[1,2]");
    expect(Html("<p>"), 200, "text/html; charset=utf-8", "<p>");
    expect((), 200, "", "");
    expect(StatusCode::IM_A_TEAPOT, 418, "", "");
    expect(http::Response::builder().status(202).body("a").unwrap(), 202, "", "a");
}

#[test]
fn what_stands_before_the_body_counts_more_than_the_body() {
    expect((StatusCode::CREATED, "a"), 201, TEXT, "a");
    expect(([("content-type", "text/csv")], "a"), 200, "text/csv", "a");
    expect((StatusCode::ACCEPTED, vec![("content-type", "text/csv".to_string())], json!(1)), 202, "text/csv", "1");
    let mut map = HeaderMap::new();
    map.insert("content-type", "text/csv".parse().unwrap());
    expect((StatusCode::OK, map, [("x-a", "1")], "a"), 200, "text/csv", "a");
}

#[test]
fn a_header_given_twice_is_sent_twice() {
    let response = ([("set-cookie", "a=1"), ("set-cookie", "b=2")], "").into_response();
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
}

#[test]
fn a_header_that_cannot_be_sent_is_an_error_and_splits_nothing() {
    let (status, _, body) = answered((StatusCode::OK, [("x-a", "1\r\nx-b: 2")], "a"));
    assert_eq!(status, 500);
    assert!(body.contains("the header `x-a` of the answer"), "{body}");
    assert_eq!(answered(([("not a name", "1")], "a")).0, 500);
}

#[test]
fn a_value_that_is_no_json_is_an_error() {
    let keys_that_are_lists = std::collections::BTreeMap::from([(vec![1], 2)]);
    assert_eq!(answered(Json(keys_that_are_lists)).0, 500);
}

#[test]
fn errors_have_their_status_and_fields() {
    let error = Error::not_found("no order 17").with_field("order", 17);
    expect(Err::<(), _>(error), 404, JSON, r#"{"error":"no order 17","order":17}"#);
    let standard: std::result::Result<(), _> = "x".parse::<u8>().map(drop);
    expect(standard, 500, JSON, r#"{"error":"invalid digit found in string"}"#);
}

#[test]
fn an_event_cannot_be_broken_out_of() {
    let event = Event::new().name("a\ndata: no").id("1\r\nevent: no").data("x\r\ny\rz");
    assert_eq!(event.to_string(), "event: a data: no\nid: 1  event: no\ndata: x\ndata: y\ndata: z\n\n");
}
