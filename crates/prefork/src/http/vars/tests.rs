use super::*;
use crate::http::request::{Limits, Parsed};

const LIMITS: Limits = Limits { head_bytes: 1 << 20, headers: MOST_HEADERS, body_bytes: 0 };
const FACTS: Facts<'_> = Facts {
    server_name: "box",
    server_port: "8080",
    remote_addr: "192.0.2.1",
    remote_port: None,
    https: false,
    scheme: None,
};

fn try_vars(buf: &str, facts: &Facts<'_>) -> Result<Vars, Refusal> {
    let mut head = Head::default();
    assert_eq!(head.parse(buf.as_bytes(), &LIMITS), Ok(Parsed::Complete), "{buf}");
    let mut vars = Vars::default();
    vars.push(b"LEFT", b"from before");
    vars.fill(&head, buf.as_bytes(), facts)?;
    Ok(vars)
}

fn vars(buf: &str) -> Vars {
    try_vars(buf, &FACTS).unwrap()
}

fn with(lines: &str) -> Vars {
    vars(&format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"))
}

fn text(vars: &Vars) -> Vec<String> {
    vars.iter().map(|(name, value)| format!("{}={}", name.escape_ascii(), value.escape_ascii())).collect()
}

#[test]
fn what_a_plain_request_says() {
    let buf = "GET /a%20b/../c?d=%20e HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8\r\nAccept: */*\r\n\r\n";
    let expected = [
        "REQUEST_METHOD=GET",
        "PATH_INFO=/c",
        "REQUEST_URI=/a%20b/../c?d=%20e",
        "QUERY_STRING=d=%20e",
        "SERVER_PROTOCOL=HTTP/1.1",
        "SCRIPT_NAME=",
        "SERVER_NAME=box",
        "SERVER_PORT=8080",
        "REMOTE_ADDR=192.0.2.1",
        "HTTP_HOST=localhost:8080",
        "HTTP_USER_AGENT=curl/8",
        "HTTP_ACCEPT=*/*",
    ];
    assert_eq!(text(&vars(buf)), expected);
}

#[test]
fn what_a_connection_adds() {
    let facts = Facts { https: true, remote_port: Some(65_535), scheme: Some("https"), ..FACTS };
    let vars = try_vars("GET / HTTP/1.0\r\n\r\n", &facts).unwrap();
    assert_eq!(vars.get("REQUEST_SCHEME"), Some(&b"https"[..]));
    assert_eq!(vars.get("HTTPS"), Some(&b"on"[..]));
    assert_eq!(vars.get("REMOTE_PORT"), Some(&b"65535"[..]));
    assert_eq!(vars.get("SERVER_PROTOCOL"), Some(&b"HTTP/1.0"[..]));
    assert_eq!(vars.get("QUERY_STRING"), Some(&b""[..]));
    assert_eq!(vars.get("HTTP_HOST"), None);
}

#[test]
fn headers_that_come_again_are_joined_where_they_came_first() {
    let vars = with("X-A: 1\r\nCookie: a=b\r\nB: 2\r\nx-a: 3\r\ncookie: c=d\r\nX-A:\r\nX-B: 4\r\n");
    let expected = ["HTTP_HOST=a", "HTTP_X_A=1, 3, ", "HTTP_COOKIE=a=b; c=d", "HTTP_B=2", "HTTP_X_B=4"];
    assert_eq!(text(&vars)[9..], expected);
}

#[test]
fn joining_is_no_way_to_have_much_memory_used() {
    let lines = "A: xxxxxxxxxxxxxxxxxxxxxxxx\r\nB: yyyyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(250);
    let vars = with(&lines);
    assert_eq!(vars.len(), 9 + 3);
    assert_eq!(vars.get("HTTP_B").unwrap().len(), 250 * 26 - 2);
    assert!(vars.arena.len() < lines.len() + 500, "{}", vars.arena.len());
}

#[test]
fn headers_that_lead_to_mistakes_are_dropped() {
    let vars = with("X_User: root\r\nX-User: me\r\nProxy: evil\r\nCONTENT_LENGTH: 7\r\nPROXY: evil\r\n");
    assert_eq!(text(&vars)[9..], ["HTTP_HOST=a", "HTTP_X_USER=me"]);
}

#[test]
fn the_body_is_told_by_two_names_without_a_prefix() {
    let buf = "POST / HTTP/1.1\r\nHost: a\r\ncontent-type: text/plain\r\nCONTENT-LENGTH: 5\r\n\r\n";
    let told = vars(buf);
    assert_eq!(text(&told)[10..], ["CONTENT_TYPE=text/plain", "CONTENT_LENGTH=5"]);
    let mut chunked = vars("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(chunked.get("CONTENT_LENGTH"), None);
    chunked.set_content_length(1_234);
    assert_eq!(chunked.get("CONTENT_LENGTH"), Some(&b"1234"[..]));
    chunked.set_content_length(0);
    assert_eq!(chunked.get("CONTENT_LENGTH"), Some(&b"0"[..]));
    assert_eq!(chunked.len(), 9 + 3);
}

#[test]
fn a_whole_address_says_which_host_is_meant() {
    let whole = vars("GET http://b:1/x?y HTTP/1.1\r\nAccept: z\r\nHost: a\r\n\r\n");
    assert_eq!(whole.get("REQUEST_URI"), Some(&b"http://b:1/x?y"[..]));
    assert_eq!(whole.get("PATH_INFO"), Some(&b"/x"[..]));
    assert_eq!(text(&whole)[9..], ["HTTP_ACCEPT=z", "HTTP_HOST=b:1"]);
    let hostless = vars("GET http://b/ HTTP/1.0\r\n\r\n");
    assert_eq!(text(&hostless)[9..], ["HTTP_HOST=b"]);
}

#[test]
fn values_may_be_any_bytes() {
    let buf = b"GET / HTTP/1.0\r\nX: \xff\xfe\r\n\r\n";
    let mut head = Head::default();
    assert_eq!(head.parse(buf, &LIMITS), Ok(Parsed::Complete));
    let mut vars = Vars::default();
    vars.fill(&head, buf, &FACTS).unwrap();
    assert_eq!(vars.get("HTTP_X"), Some(&b"\xff\xfe"[..]));
}

#[test]
fn a_path_that_cannot_be_decoded_is_refused() {
    let refusal = try_vars("GET /%zz HTTP/1.0\r\n\r\n", &FACTS).unwrap_err();
    assert_eq!(refusal.status, 400);
}

#[test]
fn mount_points_are_cut_off_where_that_is_asked_for() {
    let mounts = Mounts::new(["", "/api"]);
    let asked = |path: &str, manage: bool| {
        let mut vars = vars(&format!("GET {path} HTTP/1.0\r\n\r\n"));
        let app = vars.mount(&mounts, manage);
        let get = |name| String::from_utf8(vars.get(name).unwrap().to_vec()).unwrap();
        assert_eq!(vars.path(), path.as_bytes());
        (app, get("SCRIPT_NAME"), get("PATH_INFO"))
    };
    assert_eq!(asked("/api/x", true), (Some(1), "/api".into(), "/x".into()));
    assert_eq!(asked("/api", true), (Some(1), "/api".into(), "".into()));
    assert_eq!(asked("/api/x", false), (Some(1), "".into(), "/api/x".into()));
    assert_eq!(asked("/apis", true), (Some(0), "".into(), "/apis".into()));
    let mut elsewhere = vars("GET /x HTTP/1.0\r\n\r\n");
    assert_eq!(elsewhere.mount(&Mounts::new(["/api"]), true), None);
}

#[test]
fn pairs_are_borrowed_from_request_to_request_with_the_same_memory() {
    let mut vars = with("X: y\r\n");
    let mut pairs = Vec::new();
    vars.as_pairs(&mut pairs);
    assert_eq!(pairs.last(), Some(&(&b"HTTP_X"[..], &b"y"[..])));
    let (at, room) = (pairs.as_ptr() as usize, pairs.capacity());
    let kept = recycle(pairs);
    vars.clear();
    assert!(vars.is_empty() && kept.is_empty());
    vars.push(b"A", b"b");
    let mut pairs = recycle(kept);
    vars.as_pairs(&mut pairs);
    assert_eq!(pairs, [(&b"A"[..], &b"b"[..])]);
    assert_eq!((pairs.as_ptr() as usize, pairs.capacity()), (at, room));
}
