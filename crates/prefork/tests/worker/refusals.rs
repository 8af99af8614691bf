use crate::harness::classic;

/// What is sent, and with which status it is refused.
const REFUSED: &[(&str, u16)] = &[
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n folded\r\n\r\n", 400),
    ("GET / HTTP/1.1\nHost: a\n\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n", 417),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
    ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ("nonsense\r\n\r\n", 400),
    ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
];

#[test]
fn what_cannot_be_understood_is_refused_with_its_reason_and_ends_the_connection() {
    let host = classic(|_| {});
    for (bytes, status) in REFUSED {
        let mut client = host.client();
        client.say(bytes).try_to_say("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = client.response();
        assert_eq!(answer.status, *status, "{bytes:?}: {}", answer.text());
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(client.is_over(), "{bytes:?} is followed by something");
    }
    assert!(!host.log().contains("/smuggled"));
}

#[test]
fn heads_that_are_too_large_are_refused() {
    let host = classic(|settings| (settings.http.head_bytes, settings.http.headers) = (20_000, 20));
    let long = "x".repeat(30_000);
    let many: String = (0..40).map(|number| format!("X-{number}: y\r\n")).collect();
    for (head, status) in [
        (format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), 414),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), 431),
    ] {
        let mut client = host.client();
        client.try_to_say(head);
        assert_eq!(client.response().status, status);
    }
    assert_eq!(host.client().get("/").status, 200);
}

#[test]
fn what_an_app_may_not_send_becomes_500() {
    let host = classic(|_| {});
    let mut client = host.client();
    let answer = client.get("/crlf");
    assert_eq!(answer.status, 500);
    assert_eq!(answer.header("injected"), None);
    assert_eq!(host.client().get("/noheaders").status, 200);
    assert_eq!(host.client().get("/empty").status, 200);
    host.wait_until("it is logged", |host| host.log().contains("line break"));
}
