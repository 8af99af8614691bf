//! What is served beside the app, and what is told about it.

use crate::harness::{Host, classic, free_port, until};
use std::net::TcpStream;

#[test]
fn files_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.css"), "body {}").unwrap();
    std::fs::write(folder.path().join("big"), vec![b'x'; 5_000_000]).unwrap();
    let host = Host::serving(&format!("{}static-map = /files={}\n", classic(), folder.path().display()));
    let mut client = host.client();
    let answer = client.get("/files/a.css");
    assert_eq!((answer.text().as_str(), answer.header("content-type")), ("body {}", Some("text/css")));
    assert_eq!(client.get("/files/big").body.len(), 5_000_000);
    assert_eq!(client.get("/files/none").status, 404);
    assert_ne!(client.get("/files/../../../../etc/passwd").status, 200);
    assert_ne!(client.get("/files/%2e%2e/%2e%2e/%2e%2e/etc/passwd").status, 200);
    assert_eq!(client.get("/").text(), "Hello");
}

#[test]
fn two_apps_at_two_places() {
    let (classic, safe) = (crate::apps::classic(), crate::apps::safe());
    let lines = format!(
        "mount = /old={}:application\nmount = /new={}\nmanage-script-name = true\nprocesses = 2\n",
        classic.display(),
        safe.display()
    );
    let host = Host::begin(&lines);
    until("a port", || TcpStream::connect(host.address()).ok());
    let mut client = host.client();
    let env = |text: String, line: &str| text.lines().any(|found| found == line);
    for mount in ["/old", "/new"] {
        let text = client.get(&format!("{mount}/env")).text();
        assert!(env(text.clone(), &format!("SCRIPT_NAME={mount}")) && env(text.clone(), "PATH_INFO=/env"), "{text}");
    }
    // One has this path, the other has not.
    assert_eq!(client.get("/new/worker").status, 200);
    assert_eq!(client.get("/old/worker").status, 404);
    // No part of a segment, and no place for everybody else.
    assert!(client.get("/older").status >= 400);
    assert!(client.get("/").status >= 400);
    // What one does wrong is no matter of the other.
    assert_eq!(host.get("/old/abort").status, 500);
    assert_eq!(host.get("/new/").text(), "Hello");
}

#[test]
fn a_line_of_one_s_own_for_each_request() {
    let format = "log-format = [%(pid)] %(method) %(uri) %(status) %(rsize) <%(var.HTTP_X_NAME)> %(addr)\n";
    let host = Host::serving(&format!("{}{format}", classic()));
    let mut client = host.client();
    client.say("GET /big/7?a=b HTTP/1.1\r\nHost: test\r\nX-Name: one\\x0a two\"\x1b[31m\r\n\r\n");
    let _ = client.response();
    let mut client = host.client();
    client.say("GET /big/7?a=b HTTP/1.1\r\nHost: test\r\nX-Name: me\r\n\r\n");
    assert_eq!(client.response().status, 200);
    let pid = host.get("/pid").text();
    host.logs(&format!("[{pid}] GET /big/7?a=b 200 7 <me> 127.0.0.1"));
    assert!(!host.log().contains('\x1b'));
}

#[test]
fn statistics_for_prometheus() {
    let port = free_port();
    let lines = format!("{}processes = 2\nstats = 127.0.0.1:{port}\nstats-http = true\n", classic());
    let host = Host::serving(&lines);
    let total = |text: &str| -> f64 {
        let lines = text.lines().filter(|line| line.starts_with("bloom_prefork_requests_total{"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    };
    let metrics = || crate::client::Client::connect((std::net::Ipv4Addr::LOCALHOST, port).into()).get("/metrics");
    (0..5).for_each(|_| assert_eq!(host.get("/").text(), "Hello"));
    let text = until("six requests", || {
        let text = metrics().text();
        (total(&text) >= 6.0).then_some(text)
    });
    assert_eq!(total(&text), 6.0, "{text}");
    assert!(text.contains("# TYPE bloom_prefork_requests_total counter"));
    // A reload loses no count.
    host.signal(nix::sys::signal::Signal::SIGHUP);
    host.logs("the new generation serves");
    until("the new workers' numbers", || (total(&metrics().text()) >= 6.0).then_some(()));
    let json = crate::client::Client::connect((std::net::Ipv4Addr::LOCALHOST, port).into()).get("/");
    let json: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
    assert_eq!(json["workers"].as_array().unwrap().len(), 2);
}
