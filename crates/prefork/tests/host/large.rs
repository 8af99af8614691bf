//! Bodies of a gigabyte.

use crate::apps;
use crate::clients::memory;
use crate::harness::{Host, safe};
use std::io::{Read, Write};
use std::net::TcpStream;

const GIGABYTE: usize = 1 << 30;

/// Sends as much as is taken; the count.
fn stream_body(stream: &mut TcpStream, length: usize) -> usize {
    let piece = vec![b'x'; 1 << 20];
    let mut sent = 0;
    while sent < length {
        match stream.write(&piece[..piece.len().min(length - sent)]) {
            Ok(count) => sent += count,
            Err(_) => break,
        }
    }
    sent
}

#[test]
fn are_refused_beyond_the_limit() {
    let host = Host::serving(&format!("{}limit-post = 1048576\n", safe()));
    for framing in ["Content-Length: 1073741824\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n40000000\r\n"] {
        let mut stream = TcpStream::connect(host.address()).unwrap();
        write!(stream, "POST /echo HTTP/1.1\r\nHost: test\r\n{framing}").unwrap();
        let mut reader = stream.try_clone().unwrap();
        let answer = std::thread::spawn(move || {
            let mut said = [0; 12];
            reader.read_exact(&mut said).map(|()| said)
        });
        // The client goes on whatever comes: it is stopped.
        assert!(stream_body(&mut stream, GIGABYTE) < GIGABYTE, "all was taken");
        assert_eq!(&answer.join().unwrap().unwrap(), b"HTTP/1.1 413");
        assert_eq!(host.get("/").text(), "Hello");
    }
}

#[test]
fn go_through_a_reader_without_being_kept() {
    let library = apps::safe_of("streamed", "host/streamed.rs");
    let host = Host::begin(&format!("dlopen = {}\nprocesses = 1\n", library.display()));
    crate::harness::until("a port", || TcpStream::connect(host.address()).ok());
    assert_eq!(host.get("/").text(), "0");
    let before = memory(&host);
    for is_chunked in [false, true] {
        let mut stream = TcpStream::connect(host.address()).unwrap();
        match is_chunked {
            true => write!(stream, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n"),
            false => write!(stream, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n"),
        }
        .unwrap();
        let half = stream_body(&mut stream, GIGABYTE / 2);
        let grown = memory(&host).saturating_sub(before);
        assert!(grown < 8 << 20, "{grown} bytes more in the middle of it");
        assert_eq!(half + stream_body(&mut stream, GIGABYTE / 2), GIGABYTE);
        if is_chunked {
            stream.write_all(b"\r\n0\r\n\r\n").unwrap();
        }
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert!(said.contains(&format!("\r\n\r\n{GIGABYTE}HTTP/1.1 200")), "{said}");
        let grown = memory(&host).saturating_sub(before);
        assert!(grown < 8 << 20, "{grown} bytes more in the end");
    }
}
