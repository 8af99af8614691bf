//! The last words to clients whose connections are cut, and the cut. They are connected to the app and not to us, so its
//! sockets are borrowed for it: whoever may trace a process may have copies of its descriptors.

use crate::held_sockets::{Holder, held_sockets};
use crate::network_view;
use crate::supervisor::Supervisor;
use crate::sys;
use bloom_control::Goodbye;
use nix::sys::socket::{MsgFlags, Shutdown, send, shutdown};
use nix::sys::stat::fstat;
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};

impl Supervisor {
    /// Says goodbye on every connection that is still open, or on those of one port, and ends our half of them. How many
    /// heard it.
    pub(crate) fn say_goodbye(&mut self, port: Option<u16>) -> usize {
        let Some(child) = self.child.as_ref().filter(|_| self.is_draining() && !self.spec.goodbye.is_empty()) else {
            return 0;
        };
        let is_meant = |goodbye: &&Goodbye| port.is_none_or(|port| goodbye.port == port);
        let heard = say(self.spec.goodbye.iter().filter(is_meant), || child.living());
        if heard > 0 {
            self.log.remark(&format!("said goodbye on {heard} of its connections"));
        }
        heard
    }

    /// Ends every connection to this port. To the app it looks as if its client had gone in an orderly way.
    pub(crate) fn cut(&mut self, port: u16) {
        self.cut_those(port, network_view::attended(&[port]));
    }

    /// Ends those that have come since.
    pub(crate) fn cut_latecomers(&mut self, port: u16) {
        self.cut_those(port, network_view::audible(&[port]));
    }

    fn cut_those(&mut self, port: u16, sockets: HashMap<u64, u16>) {
        let Some(child) = self.child.as_ref().filter(|_| self.is_draining()) else { return };
        let count = on_each(sockets, || child.living(), |socket, _| shutdown(socket.as_raw_fd(), Shutdown::Both));
        if count > 0 {
            self.log.remark(&format!("ended {count} connections to port {port}, whose time to drain is over"));
        }
    }
}

fn say<'a>(goodbyes: impl Iterator<Item = &'a Goodbye>, pids: impl FnOnce() -> Vec<i32>) -> usize {
    let texts: HashMap<u16, &str> = goodbyes.map(|goodbye| (goodbye.port, goodbye.text.as_str())).collect();
    let ports: Vec<u16> = texts.keys().copied().collect();
    on_each(network_view::audible(&ports), pids, |socket, port| tell(socket, texts[&port]))
}

/// Where its messages end is known to the app alone, and nobody waits for a client that does not read.
fn tell(socket: &OwnedFd, text: &str) -> nix::Result<()> {
    send(socket.as_raw_fd(), text.as_bytes(), MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL)?;
    shutdown(socket.as_raw_fd(), Shutdown::Write)
}

/// Does this with the app's end of each connection, of which the inode and the port are known. With how many it could be
/// done.
fn on_each(
    sockets: HashMap<u64, u16>,
    pids: impl FnOnce() -> Vec<i32>,
    act: impl Fn(&OwnedFd, u16) -> nix::Result<()>,
) -> usize {
    if sockets.is_empty() {
        return 0;
    }
    let held = held_sockets(&pids());
    let done = sockets.into_iter().filter(|(inode, port)| {
        let socket = held.get(inode).and_then(|holder| borrow(*holder, *inode).ok());
        socket.is_some_and(|socket| act(&socket, *port).is_ok())
    });
    done.count()
}

fn borrow(Holder { pid, fd }: Holder, inode: u64) -> io::Result<OwnedFd> {
    let socket = sys::pidfd_getfd(&sys::pidfd_open(pid)?, fd)?;
    // Both numbers may be somebody else's by now.
    if fstat(&socket)?.st_ino != inode {
        return Err(ErrorKind::NotFound.into());
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_descriptor_that_has_become_something_else_is_left_alone() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let accepted = server.accept().unwrap().0;
        let holder = Holder { pid: std::process::id() as i32, fd: accepted.as_raw_fd() };
        let inode = fstat(&accepted).unwrap().st_ino;
        assert_eq!(borrow(holder, inode + 1).unwrap_err().kind(), ErrorKind::NotFound);
        tell(&borrow(holder, inode).unwrap(), "you").unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, "you");
    }

    #[test]
    fn everybody_hears_what_is_meant_for_their_port() {
        let servers: Vec<TcpListener> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> = servers.iter().map(|server| server.local_addr().unwrap().port()).collect();
        let mut clients: Vec<TcpStream> =
            ports.iter().map(|port| TcpStream::connect(("127.0.0.1", *port)).unwrap()).collect();
        let accepted: Vec<TcpStream> = servers.iter().map(|server| server.accept().unwrap().0).collect();
        let goodbyes: Vec<Goodbye> =
            ports[..2].iter().map(|port| Goodbye { port: *port, text: format!("bye {port}\n") }).collect();
        assert_eq!(say(goodbyes.iter(), || vec![std::process::id() as i32]), 2);
        for (client, port) in clients.iter_mut().zip(&ports[..2]) {
            let mut text = String::new();
            client.read_to_string(&mut text).unwrap();
            assert_eq!(text, format!("bye {port}\n"));
        }
        clients[2].set_nonblocking(true).unwrap();
        assert_eq!(clients[2].read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        // Half of them is closed by now: there is nothing more to be said.
        assert_eq!(say(goodbyes.iter(), || vec![std::process::id() as i32]), 0);
        drop(accepted);
    }
}
