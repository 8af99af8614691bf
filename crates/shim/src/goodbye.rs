//! The last words to clients whose connections are cut. They are connected to the app and not to us, so its sockets are
//! borrowed for it: whoever may trace a process may have copies of its descriptors.

use crate::held_sockets::{Holder, held_sockets};
use crate::network_view;
use crate::supervisor::Supervisor;
use crate::sys;
use bloom_control::Goodbye;
use nix::sys::socket::{MsgFlags, Shutdown, send, shutdown};
use nix::sys::stat::fstat;
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;

impl Supervisor {
    /// Says goodbye on every connection that is still open, and ends our half of it. How many heard it.
    pub(crate) fn say_goodbye(&mut self) -> usize {
        let Some(child) = self.child.as_ref().filter(|_| self.is_draining() && !self.spec.goodbye.is_empty()) else {
            return 0;
        };
        let heard = say(&self.spec.goodbye, &child.living());
        if heard > 0 {
            self.log.remark(&format!("said goodbye on {heard} of its connections"));
        }
        heard
    }
}

fn say(goodbyes: &[Goodbye], pids: &[i32]) -> usize {
    let ports: Vec<u16> = goodbyes.iter().map(|goodbye| goodbye.port).collect();
    let held = held_sockets(pids);
    let said = network_view::audible(&ports).into_iter().filter(|(inode, port)| {
        let text = goodbyes.iter().find(|goodbye| goodbye.port == *port).map(|goodbye| &goodbye.text);
        let (Some(text), Some(holder)) = (text, held.get(inode)) else { return false };
        tell(*holder, *inode, text).is_ok()
    });
    said.count()
}

/// Where its messages end is known to the app alone, and nobody waits for a client that does not read.
fn tell(Holder { pid, fd }: Holder, inode: u64, text: &str) -> io::Result<()> {
    let socket = sys::pidfd_getfd(&sys::pidfd_open(pid)?, fd)?;
    // Both numbers may be somebody else's by now.
    if fstat(&socket)?.st_ino != inode {
        return Err(ErrorKind::NotFound.into());
    }
    send(socket.as_raw_fd(), text.as_bytes(), MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL)?;
    shutdown(socket.as_raw_fd(), Shutdown::Write)?;
    Ok(())
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
        assert_eq!(tell(holder, inode + 1, "not you").unwrap_err().kind(), ErrorKind::NotFound);
        tell(holder, inode, "you").unwrap();
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
        assert_eq!(say(&goodbyes, &[std::process::id() as i32]), 2);
        for (client, port) in clients.iter_mut().zip(&ports[..2]) {
            let mut text = String::new();
            client.read_to_string(&mut text).unwrap();
            assert_eq!(text, format!("bye {port}\n"));
        }
        clients[2].set_nonblocking(true).unwrap();
        assert_eq!(clients[2].read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        // Half of them is closed by now: there is nothing more to be said.
        assert_eq!(say(&goodbyes, &[std::process::id() as i32]), 0);
        drop(accepted);
    }
}
