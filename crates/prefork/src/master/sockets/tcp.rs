use super::super::MasterError;
use super::{Bound, holder, options};
use crate::settings::{Address, HttpSettings};
use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, sockopt};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

/// Binds a host and a port, `each` times.
pub(super) fn bind(
    name: &str,
    address: &Address,
    (host, port): (&str, u16),
    http: &HttpSettings,
    each: usize,
) -> Result<Bound, MasterError> {
    let wanted = resolve(name, host, port)?;
    let first = open(name, wanted, http, each > 1)?;
    let real = local(&first).unwrap_or(wanted);
    let mut bound = Bound {
        address: address.clone(),
        fds: vec![Arc::new(first)],
        name: if port == 0 { real.to_string() } else { name.to_string() },
        server_port: real.port().to_string(),
        file: None,
        is_tcp: true,
    };
    let more = again(&bound, http, each - 1)?;
    bound.fds.extend(more);
    Ok(bound)
}

/// More sockets at the same address.
pub(super) fn again(bound: &Bound, http: &HttpSettings, more: usize) -> Result<Vec<Arc<OwnedFd>>, MasterError> {
    let Some(real) = local(bound.fd()) else { return Ok(Vec::new()) };
    (0..more).map(|_| Ok(Arc::new(open(&bound.name, real, http, true)?))).collect()
}

fn resolve(name: &str, host: &str, port: u16) -> Result<SocketAddr, MasterError> {
    let wrong = |why: String| MasterError::Address { address: name.to_string(), why };
    let host = if host.is_empty() || host == "*" { "0.0.0.0" } else { host };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let found = (host, port).to_socket_addrs().map_err(|error| wrong(format!("{host} is not known: {error}")))?;
    found.into_iter().next().ok_or_else(|| wrong(format!("{host} has no address")))
}

fn open(name: &str, at: SocketAddr, http: &HttpSettings, shared: bool) -> Result<OwnedFd, MasterError> {
    let failed = |error: Errno| refusal(name, at, error);
    let family = if at.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket::socket(family, SockType::Stream, flags, None).map_err(failed)?;
    socket::setsockopt(&fd, sockopt::ReuseAddr, &true).map_err(failed)?;
    if shared {
        socket::setsockopt(&fd, sockopt::ReusePort, &true).map_err(failed)?;
    }
    socket::bind(fd.as_raw_fd(), &SockaddrStorage::from(at)).map_err(failed)?;
    let seconds = http.socket_timeout.as_secs().clamp(1, 60) as i32;
    // Spares workers connections that say nothing; without it all is right as well.
    let _ = options::defer_accept(&fd, seconds);
    socket::listen(&fd, backlog(http)).map_err(failed)?;
    Ok(fd)
}

/// As many as asked for, as far as the system can.
pub(super) fn backlog(http: &HttpSettings) -> Backlog {
    Backlog::new(http.backlog.clamp(1, i32::MAX as u32) as i32).unwrap_or(Backlog::MAXCONN)
}

pub(super) fn local(fd: &OwnedFd) -> Option<SocketAddr> {
    let address: SockaddrStorage = socket::getsockname(fd.as_raw_fd()).ok()?;
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::V4((*v4).into()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into())))
}

fn refusal(name: &str, at: SocketAddr, error: Errno) -> MasterError {
    let address = if name.is_empty() { at.to_string() } else { name.to_string() };
    match error {
        Errno::EADDRINUSE => MasterError::InUse { address, holder: holder::describe(at.port()) },
        Errno::EACCES => MasterError::Privileged { address, first: first_free_port() },
        Errno::EADDRNOTAVAIL => {
            MasterError::Address { address, why: format!("this machine does not have the address {}", at.ip()) }
        }
        other => MasterError::Address { address, why: other.desc().to_string() },
    }
}

fn first_free_port() -> u16 {
    let said = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    said.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_needs_a_right_says_which() {
        let error = refusal(":80", SocketAddr::from(([0, 0, 0, 0], 80)), Errno::EACCES).to_string();
        assert!(error.starts_with("cannot listen on :80: ports below ") && error.contains("CAP_NET_BIND_SERVICE"));
    }
}
