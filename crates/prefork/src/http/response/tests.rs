use super::*;
use BodyFraming::{Chunked, Length, UntilClose};
use BodyLength::{Known, Unknown};

const HEAD: ResponseHead<'_> =
    ResponseHead { minor: 1, keep_alive: true, head_request: false, date: b"now", add_headers: &[] };

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn try_write(
    about: &ResponseHead<'_>,
    status: &str,
    headers: Pairs,
    body: BodyLength,
) -> Result<(String, Sent), BadAnswer> {
    let mut out = b"before".to_vec();
    let pairs = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let sent = about.write(&mut out, status.as_bytes(), pairs, body);
    let text = String::from_utf8(out).unwrap();
    let text = text.strip_prefix("before").unwrap().to_string();
    match sent {
        Ok(sent) => {
            assert_eq!((sent.bytes, sent.headers), (text.len(), text.lines().count() - 2));
            Ok((text, sent))
        }
        Err(bad) => {
            assert_eq!(text, "", "nothing is left of an answer that is not sent");
            Err(bad)
        }
    }
}

/// The lines of an answer after its first, and how its body is sent and whether the connection goes on.
fn write(about: &ResponseHead<'_>, status: &str, headers: Pairs, body: BodyLength) -> (Vec<String>, BodyFraming, bool) {
    let (text, sent) = try_write(about, status, headers, body).unwrap();
    let lines = text.strip_suffix("\r\n\r\n").unwrap().split("\r\n").skip(1).map(str::to_string).collect();
    (lines, sent.framing, sent.keep_alive)
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| line.to_string()).collect()
}

#[test]
fn the_seeds_answer() {
    let (text, sent) = try_write(&HEAD, "200 OK", &[("Foo", "Bar")], Known(5)).unwrap();
    assert_eq!(text, "HTTP/1.1 200 OK\r\nFoo: Bar\r\nDate: now\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(sent, Sent { status: 200, framing: Length(5), keep_alive: true, headers: 3, bytes: text.len() });
}

#[test]
fn status_lines() {
    for (status, line) in [
        ("200", "HTTP/1.1 200 OK"),
        ("200 ", "HTTP/1.1 200 OK"),
        ("404 Gone fishing", "HTTP/1.1 404 Gone fishing"),
        ("599", "HTTP/1.1 599 "),
        ("451 ä", "HTTP/1.1 451 ä"),
    ] {
        let (text, _) = try_write(&HEAD, status, &[], Known(0)).unwrap();
        assert_eq!(text.lines().next(), Some(line));
    }
    let old = ResponseHead { minor: 0, ..HEAD };
    assert!(try_write(&old, "200", &[], Known(0)).unwrap().0.starts_with("HTTP/1.0 200 OK\r\n"));
    let long = format!("200 {}", "x".repeat(100_000));
    assert!(try_write(&HEAD, &long, &[], Known(0)).is_ok());
}

#[test]
fn status_lines_that_are_refused() {
    for status in [
        "",
        "OK",
        "20",
        "2000",
        "99 Low",
        "600",
        "100 Continue",
        "101",
        "199",
        "200OK",
        " 200 OK",
        "+20 x",
        "2x0",
        "200 a\r\nb",
        "200 a\nb",
        "200 a\0b",
        "200\tOK",
        "200\r\n",
        "\u{b2}00",
    ] {
        let bad = try_write(&HEAD, status, &[], Known(0)).unwrap_err();
        assert_eq!(bad, BadAnswer::Status(status.into()));
    }
}

#[test]
fn headers_that_are_refused() {
    let name = |name: &str| BadAnswer::Name(name.into());
    let value = || BadAnswer::Value("X".into());
    for (header, bad) in [
        (("", "x"), name("")),
        (("X Y", "x"), name("X Y")),
        (("X:", "x"), name("X:")),
        (("X\r\nY", "x"), name("X\r\nY")),
        (("Ä", "x"), name("Ä")),
        (("X\0", "x"), name("X\0")),
        (("X", "a\r\nSet-Cookie: b"), value()),
        (("X", "a\nb"), value()),
        (("X", "a\rb"), value()),
        (("X", "a\0b"), value()),
        (("Transfer-Encoding", "chunked"), BadAnswer::Transfer),
        (("Content-Length", "x"), BadAnswer::Length("x".into())),
        (("Content-Length", ""), BadAnswer::Length("".into())),
        (("Content-Length", "-5"), BadAnswer::Length("-5".into())),
        (("Content-Length", "5, 5"), BadAnswer::Length("5, 5".into())),
        (("content-length", "99999999999999999999"), BadAnswer::Length("99999999999999999999".into())),
        (("Content-Length", "6"), BadAnswer::Mismatch { said: 6, is: 5 }),
    ] {
        assert_eq!(try_write(&HEAD, "200 OK", &[("Fine", "x"), header], Known(5)).unwrap_err(), bad, "{header:?}");
        // Also where they would have had no consequence.
        if !matches!(bad, BadAnswer::Mismatch { .. }) {
            assert_eq!(try_write(&HEAD, "204", &[header], Unknown).unwrap_err(), bad, "{header:?}");
        }
    }
    let twice = [("Content-Length", "5"), ("Content-Length", "6")];
    assert_eq!(try_write(&HEAD, "200", &twice, Known(5)).unwrap_err(), BadAnswer::Length("6".into()));
    assert!(check_header(b"X", b"any \t\xff").is_ok());
}

#[test]
fn bodies_are_framed_by_what_is_known() {
    let old = ResponseHead { minor: 0, ..HEAD };
    let said = [("Content-Length", " 7 ")];
    let (date, length) = ("Date: now", "Content-Length: 7");
    let (goes_on, chunked) = ("Connection: keep-alive", "Transfer-Encoding: chunked");
    assert_eq!(write(&HEAD, "200", &[], Known(7)), (lines(&[date, length]), Length(7), true));
    assert_eq!(write(&HEAD, "200", &said, Known(7)), (lines(&[date, length]), Length(7), true));
    assert_eq!(write(&HEAD, "200", &said, Unknown), (lines(&[date, length]), Length(7), true));
    assert_eq!(write(&HEAD, "200", &[said[0], said[0]], Known(7)), (lines(&[date, length]), Length(7), true));
    assert_eq!(write(&HEAD, "200", &[], Known(0)), (lines(&[date, "Content-Length: 0"]), Length(0), true));
    assert_eq!(write(&HEAD, "200", &[], Unknown), (lines(&[date, chunked]), Chunked, true));
    assert_eq!(write(&old, "200", &[], Known(7)), (lines(&[date, length, goes_on]), Length(7), true));
    assert_eq!(write(&old, "200", &[], Unknown), (lines(&[date, "Connection: close"]), UntilClose, false));
}

#[test]
fn answers_that_have_no_body() {
    let none = BodyFraming::None;
    let head = ResponseHead { head_request: true, ..HEAD };
    let (date, said) = ("Date: now", [("Content-Length", "7")]);
    let length = lines(&[date, "Content-Length: 7"]);
    assert_eq!(write(&head, "200", &[], Known(7)), (length.clone(), none, true));
    assert_eq!(write(&head, "200", &said, Known(0)), (length.clone(), none, true));
    assert_eq!(write(&head, "200", &said, Unknown), (length.clone(), none, true));
    assert_eq!(write(&head, "200", &[], Unknown), (lines(&[date]), none, true));
    assert_eq!(write(&head, "200", &[], Known(0)), (lines(&[date]), none, true));
    assert_eq!(write(&HEAD, "204 Gone", &[], Known(7)), (lines(&[date]), none, true));
    assert_eq!(write(&HEAD, "204", &said, Unknown), (lines(&[date]), none, true));
    assert_eq!(write(&HEAD, "304", &[], Known(7)), (lines(&[date]), none, true), "that body is another's");
    assert_eq!(write(&HEAD, "304", &[], Known(0)), (lines(&[date]), none, true));
    assert_eq!(write(&HEAD, "304", &said, Known(0)), (length, none, true));
    let old = ResponseHead { minor: 0, ..HEAD };
    assert_eq!(write(&old, "204", &[], Unknown), (lines(&[date, "Connection: keep-alive"]), none, true));
}

#[test]
fn the_connection_is_the_hosts_affair() {
    let hop = [
        ("connection", "Keep-Alive, x-private"),
        ("Keep-Alive", "timeout=5"),
        ("Upgrade", "h2c"),
        ("Trailer", "X"),
        ("Proxy-Connection", "close"),
        ("X", "y"),
    ];
    let length = "Content-Length: 0";
    assert_eq!(write(&HEAD, "200", &hop, Known(0)), (lines(&["X: y", "Date: now", length]), Length(0), true));
    let ended = lines(&["Date: now", length, "Connection: close"]);
    assert_eq!(write(&HEAD, "200", &[("Connection", "x, CLOSE")], Known(0)), (ended.clone(), Length(0), false));
    let closing = ResponseHead { keep_alive: false, ..HEAD };
    assert_eq!(write(&closing, "200", &[("Connection", "keep-alive")], Known(0)), (ended, Length(0), false));
}

#[test]
fn headers_of_the_settings_are_like_the_apps() {
    let added = [("Server".to_string(), "mine".to_string()), ("Connection".to_string(), "Keep-Alive".to_string())];
    let about = ResponseHead { add_headers: &added, ..HEAD };
    let (text, _, _) = write(&about, "200", &[("date", "theirs"), ("Set-Cookie", "a"), ("Set-Cookie", "b")], Known(0));
    assert_eq!(text, lines(&["date: theirs", "Set-Cookie: a", "Set-Cookie: b", "Server: mine", "Content-Length: 0"]));
    let broken = [("A B".to_string(), "x".to_string())];
    let about = ResponseHead { add_headers: &broken, ..HEAD };
    assert_eq!(try_write(&about, "200", &[], Known(0)).unwrap_err(), BadAnswer::Name("A B".into()));
}

#[test]
fn no_header_stands_for_itself_in_the_log_of_a_bad_answer() {
    let bad = try_write(&HEAD, "200", &[("X", "secret\n")], Known(0)).unwrap_err().to_string();
    assert_eq!(bad, "the value of the header \"X\" has a line break or a zero byte in it");
}

proptest::proptest! {
    #[test]
    fn what_is_written_is_what_a_client_reads(
        status in 200u16..600,
        headers in proptest::collection::vec(("X[A-Za-z0-9-]{0,12}", "[ -~]{0,30}"), 0..10),
        length in proptest::option::of(0u64..1_000_000),
        minor in 0u8..2,
        head_request in proptest::bool::ANY,
    ) {
        let pairs: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        let about = ResponseHead { minor, head_request, ..HEAD };
        let body = length.map_or(Unknown, Known);
        let (text, sent) = try_write(&about, &status.to_string(), &pairs, body).unwrap();
        let mut slots = [httparse::EMPTY_HEADER; 16];
        let mut read = httparse::Response::new(&mut slots);
        proptest::prop_assert_eq!(read.parse(text.as_bytes()), Ok(httparse::Status::Complete(text.len())));
        proptest::prop_assert_eq!((read.code, read.version), (Some(status), Some(minor)));
        proptest::prop_assert_eq!(read.headers.len(), sent.headers);
        for ((name, value), header) in pairs.iter().zip(read.headers.iter()) {
            proptest::prop_assert_eq!((*name, value.trim().as_bytes()), (header.name, header.value));
        }
        let has = |name: &str| read.headers.iter().any(|header| header.name == name);
        match sent.framing {
            Length(_) => proptest::prop_assert!(has("Content-Length") && !has("Transfer-Encoding")),
            Chunked => proptest::prop_assert!(has("Transfer-Encoding") && !has("Content-Length") && minor == 1),
            UntilClose => proptest::prop_assert!(has("Connection") && !has("Content-Length") && !sent.keep_alive),
            BodyFraming::None => proptest::prop_assert!(head_request || status == 204 || status == 304),
        }
    }
}
