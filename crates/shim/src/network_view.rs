//! What the kernel's tables say of the namespace this process is in.

use std::collections::HashSet;
use std::fs;

const LISTEN: u8 = 10;
/// Established, SYN received, FIN wait 1, close wait, last ACK, closing: everything in which bytes of ours may
/// still move. FIN wait 2 is not among them: there the app has said all and its client has heard it.
const OPEN: &[u8] = &[1, 3, 4, 8, 9, 11];

/// Connections of clients to `port`.
pub fn connections(port: u16) -> u32 {
    // The table changes while it is read: one connection may appear twice, even in two states.
    let open = sockets().filter(|socket| socket.port == port && OPEN.contains(&socket.state));
    open.map(|socket| socket.ends).collect::<HashSet<String>>().len() as u32
}

/// Connections that were taken since the namespace was made, on all ports; none when the kernel does not tell.
pub fn accepted() -> Option<u64> {
    parse_accepted(&fs::read_to_string("/proc/self/net/snmp").ok()?)
}

/// A line with names, and one with figures below it.
fn parse_accepted(text: &str) -> Option<u64> {
    let mut lines = text.lines().filter(|line| line.starts_with("Tcp:"));
    let column = lines.next()?.split_whitespace().position(|name| name == "PassiveOpens")?;
    lines.next()?.split_whitespace().nth(column)?.parse().ok()
}

/// Ports on which anything listens.
pub fn listening() -> Vec<u16> {
    let mut ports: Vec<u16> = sockets().filter(|socket| socket.state == LISTEN).map(|socket| socket.port).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

struct Socket {
    /// Both addresses as the kernel writes them.
    ends: String,
    port: u16,
    state: u8,
}

fn sockets() -> impl Iterator<Item = Socket> {
    ["/proc/self/net/tcp", "/proc/self/net/tcp6"]
        .into_iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|text| text.lines().skip(1).filter_map(parse_line).collect::<Vec<_>>())
}

fn parse_line(line: &str) -> Option<Socket> {
    let mut fields = line.split_whitespace().skip(1);
    let local = fields.next()?;
    let remote = fields.next()?;
    let state = fields.next()?;
    Some(Socket {
        ends: format!("{local} {remote}"),
        port: u16::from_str_radix(local.rsplit(':').next()?, 16).ok()?,
        state: u8::from_str_radix(state, 16).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn sees_listeners_and_connections() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(listening().contains(&port));
        assert_eq!(connections(port), 0);
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let server = listener.accept().unwrap();
        assert_eq!(connections(port), 1);
        drop((client, server));
    }

    #[test]
    fn counts_who_has_come() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let before = accepted().unwrap();
        drop(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        drop(listener.accept().unwrap());
        assert!(accepted().unwrap() > before);
        assert_eq!(parse_accepted("Tcp: Wrong\nTcp: 1\n"), None);
    }
}
