//! What is in a body, and how it arrives.

use ignite::json;

use crate::process::start;

#[test]
fn answers_with_names_from_headers_and_variables_on_one_connection() {
    let mut function = start(&[]);
    let mut caller = function.connect();
    let first = caller.post("/hello", r#"{"message": "hi there"}"#).json();
    assert_eq!((&first["message"], &first["function"]), (&json!("hi there"), &json!("acme/shop")));
    assert_eq!(
        (&first["organization"], &first["method"], &first["state"]),
        (&json!("acme"), &json!("POST"), &json!("warm"))
    );

    let given =
        "GET /hello HTTP/1.1\r\nhost: x\r\nx-ignite-execution-id: run-1\r\nx-ignite-organization-id: guest\r\n\r\n";
    let second = caller.send(given).answer().json();
    let expected = (json!("run-1"), json!("guest"), json!("GET"));
    assert_eq!((second["execution"].clone(), second["organization"].clone(), second["method"].clone()), expected);

    let (one, two) = (function.record(), function.record());
    assert_eq!((&one["execution"], &one["cold"]), (&first["execution"], &json!(true)));
    assert_eq!((&two["execution"], &two["cold"]), (&json!("run-1"), &json!(false)));
    assert_eq!((&one["status"], &one["error"], &one["request_bytes"]), (&json!(200), &json!(null), &json!(23)));
    assert_eq!(one["response_bytes"], json!(first.to_string().len()));
}

#[test]
fn an_id_that_could_be_something_else_is_not_taken() {
    let function = start(&[]);
    let request = "GET /hello HTTP/1.1\r\nhost: x\r\nx-ignite-execution-id: ../../etc\r\n\r\n";
    let answer = function.connect().send(request).answer().json();
    assert_eq!(answer["execution"].as_str().unwrap().len(), 36);
}

#[test]
fn takes_bodies_of_any_kind_and_says_what_is_wrong_with_a_field() {
    let function = start(&[]);
    let mut caller = function.connect();
    assert_eq!(caller.post("/raw", "not { JSON").body, "not { JSON");
    assert_eq!(caller.post("/raw", "").body, "");
    assert_eq!(caller.post("/hello", "not JSON").json()["message"], "nothing");
    let cases = [
        ("", "the body is empty, it should be a JSON object"),
        ("[1]", "the body should be a JSON object, but it is an array"),
        ("{}", "the field `size` is missing"),
        (r#"{"size":"x"}"#, "the field `size` cannot be used: invalid type: string \"x\", expected u32"),
        (r#"{"size":-1}"#, "the field `size` cannot be used: invalid value: integer `-1`, expected u32"),
        ("{\"size\":", "the body is not JSON: EOF while parsing a value at line 1 column 8"),
    ];
    for (body, error) in cases {
        let answer = caller.post("/field", body);
        assert_eq!((answer.status(), answer.json()["error"].as_str()), (400, Some(error)), "{body}");
    }
    assert_eq!(caller.post("/field", r#"{"size":3}"#).body, "3");
}

#[test]
fn takes_chunks_and_passes_them_on() {
    let mut function = start(&[]);
    let mut caller = function.connect();
    let head = "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let answer = caller.send(head).send("3\r\nabc\r\n").send("2\r\nde\r\n0\r\n\r\n").answer();
    assert_eq!((answer.status(), answer.body.as_str()), (200, "abcde"));
    let record = function.record();
    assert_eq!((&record["request_bytes"], &record["response_bytes"]), (&json!(5), &json!(5)));
}

#[test]
fn a_body_in_pieces_has_no_limit_but_one_that_is_collected_does() {
    let mut function = start(&[]);
    let large = "x".repeat(20 << 20);
    assert_eq!(function.post("/count", &large).body, large.len().to_string());
    assert_eq!(function.record()["request_bytes"], json!(large.len()));
    let mut caller = function.connect();
    let answer = caller.send("POST /raw HTTP/1.1\r\nhost: x\r\ncontent-length: 4097\r\n\r\n").answer();
    assert_eq!(answer.status(), 413);
    assert!(answer.json()["error"].as_str().unwrap().contains("4096 bytes"), "{}", answer.body);
    // The same without a length that says it beforehand.
    let mut caller = function.connect();
    let chunk = format!("1001\r\n{}\r\n", "x".repeat(4097));
    caller.send("POST /raw HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").send(&chunk);
    assert_eq!(caller.answer().status(), 413);
    assert_eq!(function.record()["status"], 413);
}

#[test]
fn who_sends_too_much_gets_to_read_why() {
    let mut function = start(&[]);
    let large = "x".repeat(20 << 20);
    let mut caller = function.connect();
    for _ in 0..2 {
        // All of it is taken, though nobody wants it, and the connection goes on.
        caller.send(&format!("POST /raw HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", large.len()));
        assert_eq!(caller.send(&large).answer().status(), 413);
        assert_eq!(function.record()["status"], 413);
    }
}

#[test]
fn a_body_that_is_cut_off_ends_only_its_own_execution() {
    let mut function = start(&[]);
    for path in ["/raw", "/count"] {
        let mut caller = function.connect();
        caller.send(&format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc"));
        drop(caller);
        let record = function.record();
        assert!([400, 499].contains(&record["status"].as_u64().unwrap()), "{record}");
        assert!(record["error"].is_string(), "{record}");
    }
    assert_eq!(function.post("/raw", "next").body, "next");
}

#[test]
fn what_is_not_http_is_answered_as_such() {
    let function = start(&[]);
    assert_eq!(function.connect().send("hello?\r\n\r\n").answer().status(), 400);
    assert_eq!(function.post("/raw", "next").body, "next");
}

#[test]
fn a_head_has_no_body_and_still_a_record() {
    let mut function = start(&[]);
    let mut caller = function.connect();
    caller.send("HEAD /hello HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        std::io::BufRead::read_line(&mut caller.0, &mut head).unwrap();
    }
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let record = function.record();
    assert_eq!((&record["error"], &record["response_bytes"]), (&json!(null), &json!(0)));
    assert_eq!(caller.post("/raw", "next").body, "next");
}
