//! What a master and its app process say to each other: one packet for each message, in words.

use nix::sys::socket::{MsgFlags, recv, send};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

const LONGEST: usize = 16 << 10;

/// The master says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Fork a worker.
    Fork { place: usize, id: u32 },
    /// Let go of sockets that are listened on: no worker will be forked any more.
    Close,
}

/// The app process says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// All apps are loaded.
    Loaded,
    /// They cannot be.
    Failed { code: i32, text: String },
    /// A worker was forked.
    Forked { place: usize, pid: i32 },
    /// None could be, by this error number.
    NotForked { place: usize, errno: i32 },
    /// A worker ended, with a status as `waitpid` gives it.
    Exited { place: usize, pid: i32, status: i32 },
}

impl Order {
    pub fn encode(&self) -> String {
        match self {
            Order::Fork { place, id } => format!("fork {place} {id}"),
            Order::Close => "close".into(),
        }
    }

    pub fn decode(text: &str) -> Option<Order> {
        let mut words = text.split(' ');
        match words.next()? {
            "fork" => Some(Order::Fork { place: words.next()?.parse().ok()?, id: words.next()?.parse().ok()? }),
            "close" => Some(Order::Close),
            _ => None,
        }
    }
}

impl Report {
    pub fn encode(&self) -> String {
        match self {
            Report::Loaded => "loaded".into(),
            Report::Failed { code, text } => format!("failed {code} {text}"),
            Report::Forked { place, pid } => format!("forked {place} {pid}"),
            Report::NotForked { place, errno } => format!("unforked {place} {errno}"),
            Report::Exited { place, pid, status } => format!("exited {place} {pid} {status}"),
        }
    }

    pub fn decode(text: &str) -> Option<Report> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        if word == "failed" {
            let (code, text) = rest.split_once(' ')?;
            return Some(Report::Failed { code: code.parse().ok()?, text: text.into() });
        }
        let mut numbers = rest.split(' ').map(str::parse::<i32>);
        let mut next = || numbers.next()?.ok();
        match word {
            "loaded" => Some(Report::Loaded),
            "forked" => Some(Report::Forked { place: next()? as usize, pid: next()? }),
            "unforked" => Some(Report::NotForked { place: next()? as usize, errno: next()? }),
            "exited" => Some(Report::Exited { place: next()? as usize, pid: next()?, status: next()? }),
            _ => None,
        }
    }
}

/// Sends one message, without waiting.
pub fn say(to: &OwnedFd, message: &str) -> io::Result<()> {
    put(to, message, MsgFlags::MSG_DONTWAIT)
}

/// Sends one message, and waits for room: none may be lost.
pub fn report(to: &OwnedFd, message: &Report) {
    // Where the master is gone, nobody wants to know.
    let _ = put(to, &message.encode(), MsgFlags::empty());
}

fn put(to: &OwnedFd, message: &str, flags: MsgFlags) -> io::Result<()> {
    let mut end = message.len().min(LONGEST);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    send(to.as_raw_fd(), &message.as_bytes()[..end], MsgFlags::MSG_NOSIGNAL | flags)?;
    Ok(())
}

/// What was heard.
pub enum Heard {
    /// A message.
    Words(String),
    /// Nothing, for now.
    Nothing,
    /// The other side is gone.
    End,
}

/// Takes one message, without waiting.
pub fn hear(from: &OwnedFd) -> Heard {
    let mut buffer = [0; LONGEST];
    match recv(from.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
        Ok(0) => Heard::End,
        Ok(len) => Heard::Words(String::from_utf8_lossy(&buffer[..len]).into_owned()),
        Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => Heard::Nothing,
        Err(_) => Heard::End,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        let order = Order::Fork { place: 3, id: 2 };
        assert_eq!(Order::decode(&order.encode()), Some(order));
        assert_eq!(Order::decode(&Order::Close.encode()), Some(Order::Close));
        for report in [
            Report::Loaded,
            Report::Failed { code: 22, text: "no such\nfile ".into() },
            Report::Forked { place: 1, pid: 77 },
            Report::NotForked { place: 1, errno: 11 },
            Report::Exited { place: 0, pid: 5, status: 256 },
        ] {
            assert_eq!(Report::decode(&report.encode()), Some(report));
        }
        assert_eq!((Report::decode("forked x"), Order::decode("fork 1")), (None, None));
    }
}
