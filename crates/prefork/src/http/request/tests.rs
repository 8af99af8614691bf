use super::*;

pub(super) const LIMITS: Limits = Limits { head_bytes: 1024, headers: 16, body_bytes: 1000 };

/// What becomes of these bytes when they come at once.
pub(super) fn parse(buf: &[u8]) -> Result<Option<Head>, u16> {
    let mut head = Head::default();
    match head.parse(buf, &LIMITS) {
        Ok(Parsed::Complete) => Ok(Some(head)),
        Ok(Parsed::Partial) => Ok(None),
        Err(refusal) => Err(refusal.status),
    }
}

fn head(buf: impl AsRef<[u8]>) -> Head {
    let buf = buf.as_ref();
    parse(buf).unwrap_or_else(|status| panic!("{status} for {:?}", buf.escape_ascii().to_string())).expect("is whole")
}

/// A request with these lines between its first and its last.
fn post(lines: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n")
}

#[test]
fn a_request_is_told_by_places_in_the_buffer() {
    let buf = b"GET /a?b HTTP/1.1\r\nHost: example.org:80\r\nX-Empty:\r\nX-Blanks: \t two words \t\r\n\r\nGET /next";
    let head = head(buf);
    assert_eq!(head.method.get(buf), b"GET");
    assert_eq!(head.target.get(buf), b"/a?b");
    assert_eq!(head.minor, 1);
    assert_eq!(&buf[head.len..], b"GET /next");
    assert_eq!(head.header(buf, "host"), Some(&b"example.org:80"[..]));
    assert_eq!(head.header(buf, "x-empty"), Some(&b""[..]));
    assert_eq!(head.header(buf, "x-blanks"), Some(&b"two words"[..]));
    assert_eq!(head.header(buf, "x-none"), None);
    assert_eq!(head.framing, Framing::None);
    assert!(head.keep_alive && !head.expects_continue && !head.is_head);
}

#[test]
fn nothing_of_a_request_is_left_in_the_next() {
    let mut reused = Head::default();
    let first = post("Content-Length: 7\r\nConnection: close\r\nExpect: 100-continue\r\n");
    assert_eq!(reused.parse(first.as_bytes(), &LIMITS), Ok(Parsed::Complete));
    let second = b"HEAD / HTTP/1.1\r\nHost: b\r\n\r\n";
    assert_eq!(reused.parse(second, &LIMITS), Ok(Parsed::Complete));
    assert_eq!(reused, head(second));
    assert!(reused.is_head && reused.keep_alive && !reused.expects_continue);
}

#[test]
fn one_or_two_empty_lines_before_a_request_are_let_pass() {
    for empty in ["\r\n", "\r\n\r\n"] {
        let buf = format!("{empty}GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        let head = head(&buf);
        assert_eq!(head.len, buf.len());
        assert_eq!(head.target.get(buf.as_bytes()), b"/x");
        assert_eq!(head.header(buf.as_bytes(), "host"), Some(&b"a"[..]));
    }
}

#[test]
fn who_goes_on_after_a_request() {
    for (version, connection, goes_on) in [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: keep-alive\r\n", true),
        ("1.1", "Connection: Upgrade, CLOSE\r\n", false),
        ("1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n", true),
        ("1.1", "Connection: closed\r\n", true),
        ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: foo ,\tkeep-alive\r\n", true),
        ("1.0", "Connection: keep-alive, close\r\n", false),
    ] {
        let buf = format!("GET / HTTP/{version}\r\nHost: a\r\n{connection}\r\n");
        assert_eq!(head(&buf).keep_alive, goes_on, "{buf}");
    }
}

#[test]
fn where_a_body_ends() {
    for (lines, framing) in [
        ("", Framing::None),
        ("Content-Length: 0\r\n", Framing::None),
        ("Content-Length: 5\r\n", Framing::Length(5)),
        ("content-length:005\r\n", Framing::Length(5)),
        ("Content-Length: \t1000 \r\n", Framing::Length(1000)),
        ("Transfer-Encoding: chunked\r\n", Framing::Chunked),
        ("transfer-encoding:\tChunked \r\n", Framing::Chunked),
        // Another name, which nobody takes for the one it resembles.
        ("Content_Length: 5\r\nTransfer_Encoding: chunked\r\n", Framing::None),
    ] {
        assert_eq!(head(post(lines)).framing, framing, "{lines}");
    }
}

#[test]
fn who_waits_for_a_word_before_the_body() {
    assert!(head(post("Expect: 100-Continue\r\nContent-Length: 5\r\n")).expects_continue);
    assert!(head(post("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n")).expects_continue);
    assert!(!head(post("Expect: 100-continue\r\n")).expects_continue, "there is nothing to wait for");
    let old = "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    assert!(!head(old).expects_continue, "HTTP/1.0 knows no such word");
}

#[test]
fn targets_of_every_form_a_server_is_asked_for() {
    for line in [
        "GET / HTTP/1.1",
        "GET /%2e%2e/?a=b?c HTTP/1.1",
        "GET /käse HTTP/1.1",
        "GET //two HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "GET http://example.org HTTP/1.1",
        "GET HTTPS://example.org:1/x?y HTTP/1.1",
        "GET http://[::1]:80/ HTTP/1.1",
        "BREW /pot HTTP/1.1",
    ] {
        head(format!("{line}\r\nHost: a\r\n\r\n"));
    }
}

/// Heads whose meaning two readers may see differently, or which have none.
#[test]
fn refused_heads() {
    let with = |lines: &str| post(lines).into_bytes();
    let line = |line: &str| format!("{line}\r\nHost: a\r\n\r\n").into_bytes();
    let cases: Vec<(Vec<u8>, u16)> = vec![
        // The first line.
        (line("GET / HTTP/1.1 "), 400),
        (line("GET  / HTTP/1.1"), 400),
        (line("GET /a b HTTP/1.1"), 400),
        (line(" GET / HTTP/1.1"), 400),
        (line("GET\t/ HTTP/1.1"), 400),
        (line("G@T / HTTP/1.1"), 400),
        (line("GET / http/1.1"), 400),
        (line("GET / HTTP/1.1.1"), 400),
        (line("GET x HTTP/1.1"), 400),
        (line("GET * HTTP/1.1"), 400),
        (line("GET ftp://a/ HTTP/1.1"), 400),
        (line("GET http:///x HTTP/1.1"), 400),
        (line("GET http://user@host/ HTTP/1.1"), 400),
        (line("GET example.org:80 HTTP/1.1"), 400),
        (line("GET /\0 HTTP/1.1"), 400),
        (line("GET /\x7f HTTP/1.1"), 400),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), 400),
        (b"\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 400),
        (b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 400),
        (b"\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 400),
        // Other versions.
        (b"GET /\r\n".to_vec(), 505),
        (b"GET /\n".to_vec(), 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), 505),
        (line("GET / HTTP/2.0"), 505),
        (line("GET / HTTP/1.2"), 505),
        (line("GET / HTTP/0.9"), 505),
        (line("GET / HTTP/11.1"), 505),
        // Line ends.
        (b"GET / HTTP/1.1\nHost: a\r\n\r\n".to_vec(), 400),
        (b"GET / HTTP/1.1\r\nHost: a\n\r\n".to_vec(), 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\n".to_vec(), 400),
        (b"GET / HTTP/1.1\r\nHost: a\n\n".to_vec(), 400),
        (b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n".to_vec(), 400),
        (b"GET / HTTP/1.1\r\nX:\nHost: a\r\n\r\n".to_vec(), 400),
        (b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n".to_vec(), 400),
        (b"GET / HTTP/1.0\n\r\n".to_vec(), 400),
        (b"GET / HTTP/1.0\r\n\n".to_vec(), 400),
        // Headers.
        (with("X\r\n"), 400),
        (with(": x\r\n"), 400),
        (with("X : y\r\n"), 400),
        (with("X\t: y\r\n"), 400),
        (with(" X: y\r\n"), 400),
        (with("X: y\r\n folded\r\n"), 400),
        (with("X: y\r\n\tfolded\r\n"), 400),
        (with("X(): y\r\n"), 400),
        (with("X: a\0b\r\n"), 400),
        (with("X: a\x0bb\r\n"), 400),
        (with("X\0: b\r\n"), 400),
        (with("K\u{e4}se: b\r\n"), 400),
        // Host.
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), 400),
        (with("Host: a\r\n"), 400),
        (b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n".to_vec(), 400),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n".to_vec(), 400),
        (b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n".to_vec(), 400),
        (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n".to_vec(), 400),
        (b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n".to_vec(), 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n".to_vec(), 400),
        // Others.
        (line("CONNECT example.org:80 HTTP/1.1"), 501),
        (with("Expect: 200-maybe\r\n"), 417),
        (with("Expect:\r\n"), 417),
        (with("Content-Length: 1001\r\n"), 413),
        (with("Content-Length: 18446744073709551616\r\n"), 413),
        (with(&format!("Content-Length: {}\r\n", "9".repeat(200))), 413),
    ];
    for (buf, status) in cases {
        assert_eq!(parse(&buf), Err(status), "{:?}", buf.escape_ascii().to_string());
    }
}

#[test]
fn smuggled_lengths_are_refused() {
    for (lines, status) in [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400),
        ("Content-Length: 5\r\nTransfer-Encoding: identity\r\n", 400),
        ("Content-Length: 5\r\nTransfer-Encoding:\r\n", 400),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", 400),
        ("Content-Length: 5\r\ncontent-length: 6\r\n", 400),
        ("Content-Length: 5\r\nX: y\r\nContent-Length: 0\r\n", 400),
        ("Content-Length: 0\r\nContent-Length: 5\r\n", 400),
        ("Content-Length: 5, 5\r\n", 400),
        ("Content-Length: 5 , 5\r\n", 400),
        ("Content-Length: 5,\r\n", 400),
        ("Content-Length: +5\r\n", 400),
        ("Content-Length: -5\r\n", 400),
        ("Content-Length: 0x5\r\n", 400),
        ("Content-Length: 5.0\r\n", 400),
        ("Content-Length: 5 0\r\n", 400),
        ("Content-Length: 5\u{b2}\r\n", 400),
        ("Content-Length: 1e3\r\n", 400),
        ("Content-Length: \"5\"\r\n", 400),
        ("Content-Length:\r\n", 400),
        ("Content-Length : 5\r\n", 400),
        ("Content-Length\t: 5\r\n", 400),
        ("X: y\r\n Content-Length: 5\r\n", 400),
        ("Transfer-Encoding : chunked\r\n", 400),
        ("Transfer-Encoding\t: chunked\r\n", 400),
        (" Transfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding:\r\n chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\n , identity\r\n", 400),
        ("Transfer-Encoding: \x0bchunked\r\n", 400),
        ("Transfer-Encoding: chunked\x0c\r\n", 400),
        ("Transfer-Encoding: chunked\0\r\n", 400),
        ("Transfer-Encoding: xchunked\r\n", 400),
        ("Transfer-Encoding: chunkedx\r\n", 400),
        ("Transfer-Encoding: chunked;q=1\r\n", 400),
        ("Transfer-Encoding: \"chunked\"\r\n", 400),
        ("Transfer-Encoding: 'chunked'\r\n", 400),
        ("Transfer-Encoding: identity\r\n", 400),
        ("Transfer-Encoding: gzip\r\n", 400),
        ("Transfer-Encoding:\r\n", 400),
        ("Transfer-Encoding: ,chunked\r\n", 400),
        ("Transfer-Encoding: chunked,\r\n", 400),
        ("Transfer-Encoding: chunked, chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", 400),
        ("Transfer-Encoding: chunked, gzip\r\n", 400),
        ("Transfer-Encoding: chunked gzip\r\n", 400),
        ("Transfer-Encoding: gzip, chunked\r\n", 501),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501),
        ("Transfer-Encoding: identity, chunked\r\n", 501),
        ("Transfer-Encoding: chunked\nContent-Length: 5\r\n", 400),
        ("X: y\nTransfer-Encoding: chunked\r\n", 400),
        ("X: y\rTransfer-Encoding: chunked\r\n", 400),
    ] {
        assert_eq!(parse(post(lines).as_bytes()), Err(status), "{lines:?}");
    }
    let old = "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(parse(old.as_bytes()), Err(400));
}

#[test]
fn heads_are_as_large_as_allowed_and_no_larger() {
    let of_size = |size: usize| {
        let bare = post("X: \r\n").len();
        post(&format!("X: {}\r\n", "x".repeat(size - bare)))
    };
    assert_eq!(of_size(1024).len(), 1024);
    assert_eq!(head(of_size(1024)).len, 1024);
    assert_eq!(parse(of_size(1025).as_bytes()), Err(431));
    assert_eq!(parse(&of_size(2000).as_bytes()[..1023]), Ok(None));
    assert_eq!(parse(&of_size(2000).as_bytes()[..1024]), Err(431));
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(2000));
    assert_eq!(parse(&long.as_bytes()[..1023]), Ok(None));
    assert_eq!(parse(&long.as_bytes()[..1024]), Err(414));
    assert_eq!(parse(long.as_bytes()), Err(414));
    assert_eq!(head(post(&"X: y\r\n".repeat(15))).headers.len(), 16);
    assert_eq!(parse(post(&"X: y\r\n".repeat(16)).as_bytes()), Err(431));
}

#[test]
fn no_limit_for_headers_is_above_what_there_is_room_for() {
    let limits = Limits { head_bytes: 1 << 20, headers: 100_000, body_bytes: 0 };
    let mut head = Head::default();
    let most = post(&"X: y\r\n".repeat(MOST_HEADERS - 1));
    assert_eq!(head.parse(most.as_bytes(), &limits), Ok(Parsed::Complete));
    let more = post(&"X: y\r\n".repeat(MOST_HEADERS));
    assert_eq!(head.parse(more.as_bytes(), &limits).map_err(|refusal| refusal.status), Err(431));
}

#[test]
fn a_length_is_one_that_can_be_counted() {
    let limits = Limits { body_bytes: 0, ..LIMITS };
    let framing = |length: &str| {
        let mut head = Head::default();
        let buf = post(&format!("Content-Length: {length}\r\n"));
        head.parse(buf.as_bytes(), &limits).map(|_| head.framing).map_err(|refusal| refusal.status)
    };
    assert_eq!(framing("9223372036854775807"), Ok(Framing::Length(i64::MAX as u64)));
    assert_eq!(framing("9223372036854775808"), Err(413));
    assert_eq!(framing(&"0".repeat(300)), Ok(Framing::None));
}

#[test]
fn bytes_that_change_nothing_are_not_parsed() {
    let buf = b"GET / HTTP/1.1\r\nHost: a";
    assert!(worth_parsing(buf, 0, &LIMITS), "nothing of it was seen");
    assert!(!worth_parsing(buf, buf.len() - 3, &LIMITS));
    assert!(worth_parsing(buf, 10, &LIMITS), "a line has ended");
    assert!(worth_parsing(&[b'x'; 1024], 1023, &LIMITS), "there is no more room");
}
