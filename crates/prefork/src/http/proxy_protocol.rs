//! The PROXY protocol, versions 1 and 2: a front server says first whose connection this is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How far the announcement has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxied {
    /// More bytes are needed.
    Partial,
    /// It is whole.
    Complete {
        /// Its bytes; the request begins after them.
        len: usize,
        /// The client, where one is told.
        source: Option<SocketAddr>,
        /// What the client connected to.
        destination: Option<SocketAddr>,
    },
    /// It is not one; the connection is closed without an answer.
    Malformed(&'static str),
}

/// What version 2 begins with.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Most bytes of a line of version 1, with its end.
const LINE: usize = 107;
/// Most bytes of version 2 after its first 16.
const REST: usize = 4096;

/// Reads the announcement at the beginning of `buf`.
pub fn parse(buf: &[u8]) -> Proxied {
    if buf.len() < SIGNATURE.len() && SIGNATURE.starts_with(buf) {
        return Proxied::Partial;
    }
    if buf.starts_with(SIGNATURE) { parse_binary(buf) } else { parse_line(buf) }
}

fn parse_line(buf: &[u8]) -> Proxied {
    const START: &[u8] = b"PROXY ";
    let view = &buf[..buf.len().min(LINE)];
    if !START.starts_with(&view[..view.len().min(START.len())]) {
        return Proxied::Malformed("the connection does not begin with the PROXY protocol");
    }
    let Some(end) = view.iter().position(|byte| *byte == b'\n') else {
        return if view.len() == LINE { Proxied::Malformed("the PROXY line is too long") } else { Proxied::Partial };
    };
    let line = view[START.len().min(end)..end].strip_suffix(b"\r");
    match line.and_then(|line| std::str::from_utf8(line).ok()).and_then(addresses_of_line) {
        Some((source, destination)) => Proxied::Complete { len: end + 1, source, destination },
        None => Proxied::Malformed("the PROXY line is malformed"),
    }
}

type Addresses = (Option<SocketAddr>, Option<SocketAddr>);

fn addresses_of_line(line: &str) -> Option<Addresses> {
    let mut words = line.split(' ');
    let family = words.next()?;
    if family == "UNKNOWN" {
        return Some((None, None));
    }
    let address = |text: &str| match family {
        "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => None,
    };
    let (source, destination) = (address(words.next()?)?, address(words.next()?)?);
    let (source_port, destination_port) = (port(words.next()?)?, port(words.next()?)?);
    match words.next() {
        None => Some((socket(source, source_port), socket(destination, destination_port))),
        Some(_) => None,
    }
}

/// A port without signs and leading zeros.
fn port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

fn parse_binary(buf: &[u8]) -> Proxied {
    let [version, family, high, low, ..] = buf[SIGNATURE.len()..] else { return Proxied::Partial };
    let rest = usize::from(u16::from_be_bytes([high, low]));
    if version >> 4 != 2 || version & 15 > 1 {
        return Proxied::Malformed("the PROXY protocol has another version or command");
    }
    if rest > REST {
        return Proxied::Malformed("the PROXY announcement is too long");
    }
    let len = SIGNATURE.len() + 4 + rest;
    let Some(payload) = buf.get(SIGNATURE.len() + 4..len) else { return Proxied::Partial };
    // LOCAL: the front server asks for itself.
    if version & 15 == 0 {
        return Proxied::Complete { len, source: None, destination: None };
    }
    match addresses_of_payload(family, payload) {
        Some((source, destination)) => Proxied::Complete { len, source, destination },
        None => Proxied::Malformed("the PROXY announcement is malformed"),
    }
}

fn addresses_of_payload(family: u8, payload: &[u8]) -> Option<Addresses> {
    let port = |at: usize| payload.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes);
    match family >> 4 {
        1 => {
            let address = |at: usize| {
                let octets: [u8; 4] = payload.get(at..at + 4)?.try_into().ok()?;
                Some(IpAddr::from(octets))
            };
            Some((socket(address(0)?, port(8)?), socket(address(4)?, port(10)?)))
        }
        2 => {
            let address = |at: usize| {
                let octets: [u8; 16] = payload.get(at..at + 16)?.try_into().ok()?;
                Some(IpAddr::from(octets))
            };
            Some((socket(address(0)?, port(32)?), socket(address(16)?, port(34)?)))
        }
        // Unspecified, and unix sockets, which have no addresses to tell.
        0 => Some((None, None)),
        3 if payload.len() >= 216 => Some((None, None)),
        _ => None,
    }
}

/// An address of IPv4 within IPv6 is shown as what it is.
fn socket(address: IpAddr, port: u16) -> Option<SocketAddr> {
    Some(SocketAddr::new(address.to_canonical(), port))
}

#[cfg(test)]
mod tests;
