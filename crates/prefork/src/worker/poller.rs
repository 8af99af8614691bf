use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::os::fd::{AsFd, BorrowedFd};

/// The event loop that all threads of a worker share. The kernel wakes one thread for one event, the one that slept last.
pub struct Poller {
    epoll: Epoll,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// A listening socket, by its index.
    Listener(u32),
    /// A connection, by its number.
    Connection(u32),
    /// Connections of other workers.
    Handover,
    /// Threads are to look whether there is something to do without an event.
    Nudge,
}

impl Token {
    fn pack(self) -> u64 {
        match self {
            Token::Connection(number) => u64::from(number),
            Token::Listener(index) => 1 << 32 | u64::from(index),
            Token::Handover => 2 << 32,
            Token::Nudge => 3 << 32,
        }
    }

    fn unpack(data: u64) -> Token {
        match data >> 32 {
            0 => Token::Connection(data as u32),
            1 => Token::Listener(data as u32),
            2 => Token::Handover,
            _ => Token::Nudge,
        }
    }
}

impl Poller {
    pub fn new() -> nix::Result<Poller> {
        Ok(Poller { epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)? })
    }

    /// Watches what several workers take from: one of them is woken for each arrival.
    pub fn add_shared(&self, fd: BorrowedFd<'_>, token: Token) -> nix::Result<()> {
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLET | EpollFlags::EPOLLEXCLUSIVE;
        self.epoll.add(fd, EpollEvent::new(flags, token.pack()))
    }

    /// Watches a connection: one event whenever more has come.
    pub fn add_connection(&self, fd: BorrowedFd<'_>, number: u32) -> nix::Result<()> {
        self.epoll.add(fd, EpollEvent::new(reading(), Token::Connection(number).pack()))
    }

    /// From now on there is an event, too, when there is room to write again; one at once where there is room now.
    pub fn watch_writing(&self, fd: BorrowedFd<'_>, number: u32) -> nix::Result<()> {
        let mut event = EpollEvent::new(reading() | EpollFlags::EPOLLOUT, Token::Connection(number).pack());
        self.epoll.modify(fd, &mut event)
    }

    /// Watches an eventfd.
    pub fn add_nudge(&self, fd: BorrowedFd<'_>) -> nix::Result<()> {
        self.epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, Token::Nudge.pack()))
    }

    /// Watches no longer.
    pub fn remove(&self, fd: impl AsFd) {
        let _ = self.epoll.delete(fd);
    }

    /// Waits for one event, with whether the other side has said that nothing more comes. One, because what follows may take long, and the next one is for another thread.
    pub fn wait(&self, at_once: bool) -> Option<(Token, bool)> {
        let mut events = [EpollEvent::empty()];
        let timeout = if at_once { EpollTimeout::ZERO } else { EpollTimeout::NONE };
        match self.epoll.wait(&mut events, timeout) {
            Ok(1) => {
                let ended = EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR;
                Some((Token::unpack(events[0].data()), events[0].events().intersects(ended)))
            }
            Ok(_) | Err(Errno::EINTR) => None,
            Err(error) => panic!("the event loop cannot be waited for: {error}"),
        }
    }
}

fn reading() -> EpollFlags {
    EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLET
}
