use crate::apps;
use crate::harness::{Host, classic, safe};
use bloom_prefork::settings::Protocol;

fn packet(vars: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in vars {
        for text in [name, value] {
            body.extend((text.len() as u16).to_le_bytes());
            body.extend(text.as_bytes());
        }
    }
    let mut packet = vec![0];
    packet.extend((body.len() as u16).to_le_bytes());
    packet.push(0);
    packet.extend(body);
    packet
}

#[test]
fn speaks_the_uwsgi_protocol() {
    let host = Host::start(apps::safe(), None, Protocol::Uwsgi, |_| {});
    let mut client = host.client();
    let vars = [
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", "/echo?x=1"),
        ("PATH_INFO", "/echo"),
        ("QUERY_STRING", "x=1"),
        ("CONTENT_LENGTH", "4"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
    ];
    client.say(packet(&vars)).say("data");
    let answer = client.response();
    assert_eq!((answer.status, answer.text().as_str()), (200, "data"));
    assert!(client.is_over());
}

#[test]
fn refuses_what_is_not_the_uwsgi_protocol() {
    let host = Host::start(apps::safe(), None, Protocol::Uwsgi, |_| {});
    let mut client = host.client();
    client.say("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(client.response().status, 400);
}

#[test]
fn believes_the_proxy_protocol_where_it_is_switched_on() {
    let host = classic(|settings| settings.http.proxy_protocol = true);
    let mut client = host.client();
    client.say("PROXY TCP4 203.0.113.7 192.0.2.1 4711 80\r\nGET /env HTTP/1.1\r\nHost: a\r\n\r\n");
    let text = client.response().text();
    assert!(text.contains("REMOTE_ADDR=203.0.113.7"), "{text}");
    assert!(client.get("/env").text().contains("REMOTE_ADDR=203.0.113.7"));
    let mut liar = host.client();
    liar.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(liar.response().status, 400);
}

#[test]
fn believes_what_a_proxy_says_of_its_client_where_no_one_else_can_call() {
    let request =
        "GET /env HTTP/1.1\r\nHost: shop.example\r\nX-Real-IP: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n\r\n";
    let host = classic(|settings| settings.http.trusts_proxy = true);
    let text = host.client().say(request).response().text();
    for told in
        ["REMOTE_ADDR=203.0.113.7", "HTTPS=on", "REQUEST_SCHEME=https", "SERVER_NAME=shop.example", "SERVER_PORT=443"]
    {
        assert!(text.contains(told), "{told}: {text}");
    }
    drop(host);
    let open = classic(|_| {});
    let text = open.client().say(request).response().text();
    assert!(text.contains("REMOTE_ADDR=127.0.0.1") && !text.contains("HTTPS="), "{text}");
    assert!(!text.contains("SERVER_NAME=shop.example"), "{text}");
}

#[test]
fn serves_files_before_it_asks_the_app() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "from a file").unwrap();
    std::fs::write(folder.path().join("big.bin"), vec![7; 3_000_000]).unwrap();
    let host = safe(|settings| settings.statics.maps = vec![("/files".into(), folder.path().into())]);
    let mut client = host.client();
    let answer = client.get("/files/a.txt");
    assert_eq!((answer.status, answer.text().as_str()), (200, "from a file"));
    assert_eq!(client.get("/files/big.bin").body, vec![7; 3_000_000]);
    client.say("HEAD /files/big.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response_without_body().header("content-length"), Some("3000000"));
    client.say("GET /files/big.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=10-19\r\n\r\n");
    let part = client.response();
    assert_eq!((part.status, part.body.len()), (206, 10));
    let tag = answer.header("etag").unwrap();
    client.say(format!("GET /files/a.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: {tag}\r\n\r\n"));
    assert_eq!(client.response().status, 304);
    assert_eq!(client.get("/").text(), "Hello");
    assert_ne!(client.get("/files/../../../etc/passwd").status, 200);
}

#[test]
fn tells_apps_what_was_asked() {
    let host = classic(|_| {});
    let mut client = host.client();
    client.say("GET /env?a=b HTTP/1.1\r\nHost: example.test\r\nX-Two: 1\r\nX-Two: 2\r\nX_Bad: 3\r\n\r\n");
    let text = client.response().text();
    let port = host.address.port();
    for line in [
        "REQUEST_METHOD=GET",
        "PATH_INFO=/env",
        "QUERY_STRING=a=b",
        "REQUEST_URI=/env?a=b",
        "SERVER_PROTOCOL=HTTP/1.1",
        "SCRIPT_NAME=",
        "REMOTE_ADDR=127.0.0.1",
        "HTTP_HOST=example.test",
        "HTTP_X_TWO=1, 2",
        &format!("SERVER_PORT={port}"),
    ] {
        assert!(text.lines().any(|found| found.replace(" = ", "=") == line), "{line} is not in:\n{text}");
    }
    assert!(!text.contains("BAD"));
}
