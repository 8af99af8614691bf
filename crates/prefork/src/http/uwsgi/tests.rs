use super::*;
use proptest::prelude::*;

const LIMITS: Limits = Limits { head_bytes: 4096, headers: 16, body_bytes: 1000 };

fn packet(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        body.extend_from_slice(&(text.len() as u16).to_le_bytes());
        body.extend_from_slice(text.as_bytes());
    }
    let [low, high] = (body.len() as u16).to_le_bytes();
    [&[0, low, high, 0], &body[..]].concat()
}

fn parse_all(buf: &[u8]) -> Result<Option<(Head, Vars)>, u16> {
    let (mut head, mut vars) = (Head::default(), Vars::default());
    head.keep_alive = true;
    vars.push(b"LEFT", b"from before");
    match parse(buf, &LIMITS, &mut head, &mut vars) {
        Ok(Parsed::Complete) => Ok(Some((head, vars))),
        Ok(Parsed::Partial) => Ok(None),
        Err(refusal) => Err(refusal.status),
    }
}

#[test]
fn what_nginx_sends() {
    let mut buf = packet(&[
        ("QUERY_STRING", "a=b"),
        ("REQUEST_METHOD", "POST"),
        ("CONTENT_TYPE", ""),
        ("CONTENT_LENGTH", "5"),
        ("REQUEST_URI", "/x%20y?a=b"),
        ("PATH_INFO", "/x y"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("REMOTE_ADDR", "192.0.2.1"),
        ("HTTP_HOST", "example.org"),
        ("HTTP_PROXY", "evil"),
    ]);
    let len = buf.len();
    buf.extend_from_slice(b"hello");
    let (head, vars) = parse_all(&buf).unwrap().unwrap();
    assert_eq!((head.len, head.framing), (len, Framing::Length(5)));
    assert_eq!((head.method.get(&buf), head.target.get(&buf)), (&b"POST"[..], &b"/x%20y?a=b"[..]));
    assert_eq!((head.minor, head.keep_alive, head.is_head), (0, false, false));
    assert_eq!(vars.path(), b"/x y");
    assert_eq!(vars.get("SERVER_PROTOCOL"), Some(&b"HTTP/1.1"[..]));
    assert_eq!(vars.get("SCRIPT_NAME"), Some(&b""[..]));
    assert_eq!((vars.get("HTTP_PROXY"), vars.get("LEFT")), (None, None));
    assert_eq!(vars.len(), 10);
}

#[test]
fn what_was_not_said_follows_from_the_rest() {
    let (head, vars) =
        parse_all(&packet(&[("REQUEST_METHOD", "HEAD"), ("REQUEST_URI", "/%2e%2e/a%20b?c")])).unwrap().unwrap();
    assert!(head.is_head && head.framing == Framing::None);
    assert_eq!(vars.get("PATH_INFO"), Some(&b"/a b"[..]));
    assert_eq!(vars.get("QUERY_STRING"), Some(&b"c"[..]));
    let (head, vars) = parse_all(&packet(&[("REQUEST_METHOD", "GET"), ("CONTENT_LENGTH", "")])).unwrap().unwrap();
    assert_eq!((head.framing, vars.path()), (Framing::None, &b"/"[..]));
}

#[test]
fn a_script_name_says_which_app_is_meant() {
    use crate::http::mount::Mounts;
    let said = [("REQUEST_METHOD", "GET"), ("SCRIPT_NAME", "/api"), ("PATH_INFO", "/other/x")];
    let (_, mut vars) = parse_all(&packet(&said)).unwrap().unwrap();
    assert_eq!(vars.mount(&Mounts::new(["", "/api", "/other"]), true), Some(1));
    assert_eq!(vars.get("PATH_INFO"), Some(&b"/other/x"[..]));
}

#[test]
fn packets_that_are_refused() {
    let get = ("REQUEST_METHOD", "GET");
    let raw = |bytes: &[u8]| [&[0, bytes.len() as u8, 0, 0], bytes].concat();
    for (buf, status) in [
        (b"GET / HTTP/1.1\r\n".to_vec(), 400),
        (vec![5, 0, 0, 0], 400),
        (raw(b""), 400),
        (raw(b"\x01"), 400),
        (raw(b"\x01\x00"), 400),
        (raw(b"\x01\x00A"), 400),
        (raw(b"\x01\x00A\x05"), 400),
        (raw(b"\x01\x00A\x05\x00x"), 400),
        (raw(b"\xff\xffA\x00\x00"), 400),
        (packet(&[("", "x"), get]), 400),
        (packet(&[("PATH_INFO", "/")]), 400),
        (packet(&[("REQUEST_METHOD", "")]), 400),
        (packet(&[get, ("REQUEST_URI", "/%zz")]), 400),
        (packet(&[get, ("CONTENT_LENGTH", "5x")]), 400),
        (packet(&[get, ("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "5")]), 400),
        (packet(&[get, ("CONTENT_LENGTH", "1001")]), 413),
        (packet(&[get; 81]), 431),
        (packet(&[get, ("X", &"x".repeat(5000))]), 431),
        (vec![0, 0xff, 0xff, 0], 431),
    ] {
        assert_eq!(
            parse_all(&buf).map(|_| ()),
            Err(status),
            "{:?}",
            buf[..buf.len().min(60)].escape_ascii().to_string()
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_are_borne(body in prop::collection::vec(any::<u8>(), 0..200), cut in any::<prop::sample::Index>()) {
        let buf = [&[0, body.len() as u8, 0, 0], &body[..]].concat();
        let _ = parse_all(&buf);
        prop_assert!(matches!(parse_all(&buf[..cut.index(buf.len())]), Ok(None)));
    }

    #[test]
    fn a_packet_is_read_as_it_was_written(
        pairs in prop::collection::vec(("[A-Z]{1,10}", "[ -~]{0,20}"), 0..40),
        rest in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut all = vec![("REQUEST_METHOD", "PUT"), ("PATH_INFO", "/"), ("QUERY_STRING", ""), ("SCRIPT_NAME", "")];
        all.extend(pairs.iter().map(|(name, value)| (&name[..], &value[..])));
        let mut buf = packet(&all);
        let len = buf.len();
        prop_assert!((0..len).all(|end| matches!(parse_all(&buf[..end]), Ok(None))));
        buf.extend_from_slice(&rest);
        let (head, vars) = parse_all(&buf).unwrap().unwrap();
        prop_assert_eq!(head.len, len);
        let read: Vec<_> = vars.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        let sent: Vec<_> = all.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect();
        prop_assert_eq!(read, sent);
    }
}
