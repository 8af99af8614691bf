//! TLS between a stream and a real client, over a pair of sockets.

mod both;

use bloom_prefork::tls::{StreamError, TlsError, server_config};
use both::{Both, configs, pair, stream_error, would_block};
use proptest::prelude::*;
use rustls::HandshakeKind;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

#[test]
fn a_request_and_its_answer() {
    let mut both = Both::shaken();
    assert_eq!(both.client.alpn_protocol(), Some(b"http/1.1".as_slice()));
    both.client.writer().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    both.client_moves();
    assert_eq!(both.read().unwrap(), b"GET / HTTP/1.1\r\n\r\n");
    would_block(both.read());
    assert_eq!(both.stream.write(both.here.as_fd(), b"HTTP/1.1 200 OK\r\n\r\n").unwrap(), 19);
    assert!(!both.stream.wants_write());
    both.stream.close(both.here.as_fd()).unwrap();
    both.client_moves();
    let mut got = Vec::new();
    both.client.reader().read_to_end(&mut got).unwrap();
    assert_eq!(got, b"HTTP/1.1 200 OK\r\n\r\n");
}

/// Each connection has a stream of its own, as if another worker had taken it: only the configuration is common.
#[test]
fn sessions_are_resumed_in_both_versions() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let configs = configs(&[version]);
        let kinds = [(); 2].map(|()| Both::with(&configs).shake().client.handshake_kind());
        assert_eq!(kinds, [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)], "{version:?}");
    }
}

#[test]
fn what_was_read_from_the_socket_but_not_asked_for_is_told() {
    let mut both = Both::shaken();
    both.client.writer().write_all(b"onetwo").unwrap();
    both.client_moves();
    let mut three = [0; 3];
    assert_eq!(both.stream.read(both.here.as_fd(), &mut three).unwrap(), 3);
    assert_eq!(both.stream.pending(), 3);
    assert_eq!(both.read().unwrap(), b"two");
    assert_eq!(both.stream.pending(), 0);
}

#[test]
fn a_handshake_that_comes_byte_by_byte() {
    let mut both = Both::new();
    let mut sent = 0;
    while both.client.is_handshaking() || both.stream.is_handshaking() {
        let mut flight = Vec::new();
        while both.client.wants_write() {
            both.client.write_tls(&mut flight).unwrap();
        }
        for byte in flight {
            both.there.write_all(&[byte]).unwrap();
            would_block(both.read());
            sent += 1;
        }
        both.client_moves();
    }
    assert!(sent > 200, "{sent}");
    both.client.writer().write_all(b"x").unwrap();
    both.client_moves();
    assert_eq!(both.read().unwrap(), b"x");
}

#[test]
fn bytes_that_somebody_else_read_already() {
    let mut both = Both::new();
    let mut hello = Vec::new();
    both.client.write_tls(&mut hello).unwrap();
    both.stream.take(both.here.as_fd(), &hello[..40]).unwrap();
    both.there.write_all(&hello[40..]).unwrap();
    while both.stream.is_handshaking() {
        would_block(both.read());
        both.client_moves();
    }
    assert!(!both.client.is_handshaking());
}

#[test]
fn an_end_that_was_announced_and_one_that_was_not() {
    let mut both = Both::shaken();
    both.client.send_close_notify();
    both.client_moves();
    assert_eq!(both.read().unwrap(), b"");

    let mut cut = Both::shaken();
    cut.client.writer().write_all(b"half").unwrap();
    cut.client_moves();
    drop(std::mem::replace(&mut cut.there, UnixStream::pair().unwrap().0));
    assert_eq!(cut.read().unwrap(), b"half");
    assert_eq!(cut.read().unwrap_err().kind(), ErrorKind::UnexpectedEof);

    let mut silent = Both::new();
    drop(std::mem::replace(&mut silent.there, UnixStream::pair().unwrap().0));
    assert_eq!(silent.read().unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn plain_http_is_told_where_it_is() {
    for request in [b"G".as_slice(), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let mut both = Both::new();
        both.there.write_all(request).unwrap();
        let error = stream_error(both.read().unwrap_err());
        assert!(matches!(error, StreamError::PlainHttp), "{error:?}");
        both.stream.close(both.here.as_fd()).unwrap();
        drop(both.here);
        let mut answer = String::new();
        both.there.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{answer}");
    }
}

#[test]
fn a_client_that_does_not_read_is_not_written_for_without_end() {
    let mut both = Both::shaken();
    let data = vec![b'x'; 32 << 10];
    let mut taken = 0;
    let error = loop {
        match both.stream.write(both.here.as_fd(), &data) {
            Ok(count) => taken += count,
            Err(error) => break error,
        }
        assert!(taken < 16 << 20, "more was taken than sockets and buffers hold");
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    assert!(both.stream.wants_write());
    let mut got = 0;
    while got < taken {
        both.client_moves();
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = both.client.reader().read(&mut buffer) {
            got += count;
        }
        let _ = both.stream.flush(both.here.as_fd());
    }
    assert_eq!(got, taken);
    assert!(!both.stream.wants_write());
}

#[test]
fn what_is_wrong_with_files_is_said() {
    let (one, other) = (pair(), pair());
    let home = tempfile::tempdir().unwrap();
    let junk = home.path().join("junk.pem");
    let said = |cert: &PathBuf, key: &PathBuf| server_config(cert, key).unwrap_err().to_string();
    let missing = home.path().join("missing.pem");
    assert!(said(&missing, &one.key).contains("missing.pem: No such file"));
    assert!(matches!(server_config(&one.cert, &other.key), Err(TlsError::Mismatch { .. })));
    assert!(said(&one.cert, &one.cert).contains("holds no private key"));
    assert!(said(&one.key, &one.key).contains("holds no certificate"));
    for (text, certificate, key) in [
        ("", "holds no certificate", "holds no private key"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be used", "holds no private key"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds no certificate", "cannot be used"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n", "is not PEM", "is not PEM"),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "holds no certificate",
            "is encrypted",
        ),
    ] {
        fs::write(&junk, text).unwrap();
        for (message, expected) in [(said(&junk, &one.key), certificate), (said(&one.cert, &junk), key)] {
            assert!(message.contains("junk.pem") && message.contains(expected), "{text:?}: {message}");
        }
    }
}

proptest! {
    /// Garbage ends in an error or in waiting for more, never in data.
    #[test]
    fn garbage_is_refused(kind in prop_oneof![Just(22u8), any::<u8>()], rest in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut both = Both::new();
        both.there.write_all(&[kind]).unwrap();
        both.there.write_all(&rest).unwrap();
        let error = both.read().unwrap_err();
        prop_assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::InvalidData), "{:?}", error);
        if error.kind() == ErrorKind::InvalidData {
            prop_assert_eq!(both.read().unwrap_err().kind(), ErrorKind::ConnectionAborted);
            prop_assert!(both.stream.write(both.here.as_fd(), b"x").is_err());
        }
    }

    /// A handshake with one byte changed on its way never ends in a connection that gives data.
    #[test]
    fn a_changed_byte_is_noticed(at in any::<proptest::sample::Index>(), flip in 1u8..) {
        let mut both = Both::new();
        let mut hello = Vec::new();
        both.client.write_tls(&mut hello).unwrap();
        let at = at.index(hello.len());
        hello[at] ^= flip;
        both.there.write_all(&hello).unwrap();
        let kind = both.read().unwrap_err().kind();
        prop_assert!(matches!(kind, ErrorKind::WouldBlock | ErrorKind::InvalidData), "{kind:?}");
        prop_assert!(both.stream.is_handshaking() || kind == ErrorKind::InvalidData);
    }
}
