//! What a proxy in front says of its client, where it alone can reach the socket.
//!
//! It sends `X-Real-IP`, `X-Forwarded-Proto` and the client's `Host`, each of its own making. Nowhere else may these
//! be believed, for clients can send them as well.

use super::request::Head;
use std::net::IpAddr;

/// What is known of the client's own connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told<'a> {
    /// An IP address.
    pub remote_addr: Option<&'a str>,
    /// `http` or `https`.
    pub scheme: Option<&'static str>,
    /// The host that was asked for, without its port.
    pub name: Option<&'a str>,
    /// That host's port, or the usual one of the scheme.
    pub port: Option<&'a str>,
}

/// Reads the head of a request; what cannot be understood was not told.
pub fn told<'a>(head: &Head, buf: &'a [u8]) -> Told<'a> {
    let text = |name| head.header(buf, name).and_then(|value| std::str::from_utf8(value).ok());
    let scheme = match text("x-forwarded-proto") {
        Some("https") => Some("https"),
        Some("http") => Some("http"),
        _ => None,
    };
    let (name, port) = text("host").map_or((None, None), split);
    let usual = scheme.map(|scheme| if scheme == "https" { "443" } else { "80" });
    let remote_addr = text("x-real-ip").filter(|address| address.parse::<IpAddr>().is_ok());
    Told { remote_addr, scheme, name, port: port.or(usual) }
}

/// `name`, `name:port` and `[address]:port` into their two parts.
fn split(host: &str) -> (Option<&str>, Option<&str>) {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    let is_number = |port: &&str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    (Some(name).filter(|name| !name.is_empty()), port.filter(is_number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::{Limits, Parsed};

    fn read(lines: &str) -> (Head, String) {
        let buf = format!("GET / HTTP/1.1\r\n{lines}\r\n");
        let mut head = Head::default();
        let limits = Limits { head_bytes: 1 << 16, headers: 16, body_bytes: 0 };
        assert_eq!(head.parse(buf.as_bytes(), &limits), Ok(Parsed::Complete), "{buf}");
        (head, buf)
    }

    #[test]
    fn all_of_it() {
        let (head, buf) = read("Host: shop.example:4680\r\nX-Real-IP: 2001:db8::1\r\nX-Forwarded-Proto: https\r\n");
        let expected = Told {
            remote_addr: Some("2001:db8::1"),
            scheme: Some("https"),
            name: Some("shop.example"),
            port: Some("4680"),
        };
        assert_eq!(told(&head, buf.as_bytes()), expected);
    }

    #[test]
    fn a_host_without_a_port_has_the_usual_one() {
        for (lines, name, port) in [
            ("Host: a\r\nX-Forwarded-Proto: http\r\n", Some("a"), Some("80")),
            ("Host: [::1]\r\nX-Forwarded-Proto: https\r\n", Some("[::1]"), Some("443")),
            ("Host: [::1]:81\r\nX-Forwarded-Proto: https\r\n", Some("[::1]"), Some("81")),
            ("Host: a\r\n", Some("a"), None),
            ("Host: a:\r\n", Some("a"), None),
        ] {
            let (head, buf) = read(lines);
            let told = told(&head, buf.as_bytes());
            assert_eq!((told.name, told.port), (name, port), "{lines}");
        }
    }

    #[test]
    fn what_cannot_be_understood_was_not_told() {
        let (head, buf) = read("Host: a\r\nX-Real-IP: unix:\r\nX-Forwarded-Proto: gopher\r\n");
        assert_eq!(told(&head, buf.as_bytes()), Told { name: Some("a"), ..Told::default() });
    }
}
