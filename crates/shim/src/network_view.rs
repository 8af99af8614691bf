//! What the kernel says of the namespace this process is in.

use crate::socket_diag::{self, Socket};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const ESTABLISHED: u8 = 1;
const CLOSE_WAIT: u8 = 8;
const LISTEN: u8 = 10;
/// Established, SYN received, FIN wait 1, close wait, last ACK, closing: everything in which bytes of ours may
/// still move. FIN wait 2 is not among them: there the app has said all and its client has heard it.
const OPEN: &[u8] = &[ESTABLISHED, 3, 4, CLOSE_WAIT, 9, 11];

/// Connections of clients to any of these ports.
pub fn connections(ports: &[u16]) -> u32 {
    if ports.is_empty() {
        return 0;
    }
    // The table changes while it is read: one connection may appear twice, even in two states.
    let open = sockets(OPEN).into_iter().filter(|socket| ports.contains(&socket.local.port()));
    open.map(|socket| (socket.local, socket.remote)).collect::<HashSet<_>>().len() as u32
}

/// Connections to these ports on which the app may still be heard: their inodes, each with its port. Those that
/// nobody has accepted yet have none.
pub fn audible(ports: &[u16]) -> HashMap<u64, u16> {
    sockets(&[ESTABLISHED, CLOSE_WAIT])
        .into_iter()
        .filter(|socket| ports.contains(&socket.local.port()) && socket.inode != 0)
        .map(|socket| (socket.inode, socket.local.port()))
        .collect()
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
    let mut ports: Vec<u16> = listeners().iter().map(|listener| listener.place.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// A socket that takes connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    /// Address and port it is bound to.
    pub place: SocketAddr,
    /// What its descriptors are known by.
    pub inode: u64,
    /// Whether it takes IPv6 alone; None where the kernel does not say.
    pub only_v6: Option<bool>,
}

/// Everything that listens.
pub fn listeners() -> Vec<Listener> {
    let found = sockets(&[LISTEN]).into_iter();
    found.map(|Socket { local, inode, only_v6, .. }| Listener { place: local, inode, only_v6 }).collect()
}

/// Those in one of these states.
fn sockets(states: &[u8]) -> Vec<Socket> {
    socket_diag::sockets(states).unwrap_or_else(|_| read_tables(states))
}

/// The same where the kernel cannot be asked: the module for it may not be there.
fn read_tables(states: &[u8]) -> Vec<Socket> {
    let texts = ["/proc/self/net/tcp", "/proc/self/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let lines = texts.iter().flat_map(|text| text.lines().skip(1));
    lines.filter_map(parse_line).filter(|socket| states.contains(&socket.state)).collect()
}

/// `sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …`
fn parse_line(line: &str) -> Option<Socket> {
    let mut fields = line.split_whitespace().skip(1);
    let local = parse_place(fields.next()?)?;
    let remote = parse_place(fields.next()?)?;
    let state = u8::from_str_radix(fields.next()?, 16).ok()?;
    let inode = fields.nth(5)?.parse().ok()?;
    Some(Socket { local, remote, state, inode, only_v6: None })
}

/// Addresses are words in the machine's own order of bytes, ports are numbers.
fn parse_place(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let mut bytes = [0; 16];
    for (index, word) in bytes.chunks_exact_mut(4).enumerate().take(address.len() / 8) {
        let value = u32::from_str_radix(address.get(index * 8..index * 8 + 8)?, 16).ok()?;
        word.copy_from_slice(&value.to_ne_bytes());
    }
    let address: IpAddr = match address.len() {
        8 => Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into(),
        32 => Ipv6Addr::from(bytes).into(),
        _ => return None,
    };
    Some(SocketAddr::new(address, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn sees_listeners_and_connections() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap();
        let port = place.port();
        assert!(listening().contains(&port));
        assert!(listeners().iter().any(|found| found.place == place && found.inode != 0));
        assert_eq!(connections(&[port]), 0);
        let client = TcpStream::connect(place).unwrap();
        assert_eq!(audible(&[port]).len(), 0, "nobody has accepted it");
        let server = listener.accept().unwrap();
        assert_eq!(connections(&[port]), 1);
        assert_eq!(connections(&[]), 0);
        assert_eq!(audible(&[port]).into_values().collect::<Vec<_>>(), [port]);
        // The two ways to ask are of one mind.
        let mine = |all: Vec<Socket>| -> HashSet<_> {
            let mine = all.into_iter().filter(|socket| socket.local == place);
            mine.map(|socket| (socket.remote, socket.state, socket.inode)).collect()
        };
        let states = &[ESTABLISHED, LISTEN];
        assert_eq!(mine(read_tables(states)), mine(socket_diag::sockets(states).unwrap()));
        drop((client, server));
    }

    #[test]
    fn sees_addresses_of_both_kinds() {
        for address in ["127.0.0.1:0", "[::1]:0", "[::]:0", "0.0.0.0:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let place = listener.local_addr().unwrap();
            assert!(listeners().iter().any(|found| found.place == place), "{place}");
        }
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
