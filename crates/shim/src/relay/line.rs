//! Version 1 of the PROXY protocol: the line with which nginx begins each connection.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

/// Most bytes of a line, with its end.
pub const LONGEST: usize = 107;
const BEGIN: &[u8] = b"PROXY ";

/// Whose connection it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announced {
    /// Nobody can say; such is a client that came by a unix socket.
    Unknown,
    /// The client, and the place it connected to.
    V4(SocketAddrV4, SocketAddrV4),
    /// The same for IPv6.
    V6(SocketAddrV6, SocketAddrV6),
}

/// How far a line has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// More of it is to come.
    Partial,
    /// It is whole, and so many bytes long; what follows is the client's.
    Whole(Announced, usize),
    /// It will never be one.
    Wrong,
}

/// Looks at the first bytes of a connection. Of more than [`LONGEST`] bytes those are looked at.
pub fn read_line(bytes: &[u8]) -> Line {
    let view = &bytes[..bytes.len().min(LONGEST)];
    let head = view.len().min(BEGIN.len());
    if view[..head] != BEGIN[..head] {
        return Line::Wrong;
    }
    let Some(end) = view.iter().position(|byte| *byte == b'\n') else {
        return if view.len() == LONGEST { Line::Wrong } else { Line::Partial };
    };
    let words = view[head..end].strip_suffix(b"\r").and_then(|words| std::str::from_utf8(words).ok());
    words.and_then(read_words).map_or(Line::Wrong, |announced| Line::Whole(announced, end + 1))
}

fn read_words(words: &str) -> Option<Announced> {
    let mut words = words.split(' ');
    let announced = match words.next()? {
        // Whatever follows is nobody's business.
        "UNKNOWN" => return Some(Announced::Unknown),
        "TCP4" => {
            let [client, place] = [words.next()?.parse::<Ipv4Addr>().ok()?, words.next()?.parse().ok()?];
            let [from, to] = [read_port(words.next()?)?, read_port(words.next()?)?];
            Announced::V4(SocketAddrV4::new(client, from), SocketAddrV4::new(place, to))
        }
        "TCP6" => {
            let [client, place] = [words.next()?.parse::<Ipv6Addr>().ok()?, words.next()?.parse().ok()?];
            let [from, to] = [read_port(words.next()?)?, read_port(words.next()?)?];
            Announced::V6(SocketAddrV6::new(client, from, 0, 0), SocketAddrV6::new(place, to, 0, 0))
        }
        _ => return None,
    };
    words.next().is_none().then_some(announced)
}

/// Without signs and leading zeros.
fn read_port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
