use super::output::Output;
use super::transport::Transport;
use crate::http::body::Body;

/// One client, between the moments in which a thread deals with it.
pub struct Connection {
    pub transport: Transport,
    /// Index of the socket it came by.
    pub listener: u32,
    pub peer: Peer,
    /// Its number in [`super::slots::Slots`], once it has waited for something.
    pub number: Option<u32>,
    /// Bytes received and not dealt with.
    pub input: Vec<u8>,
    /// There may be a whole request in `input`: it is looked at before more is received.
    pub is_unparsed: bool,
    /// The other side has said that nothing more comes.
    pub has_ended: bool,
    /// A request whose body is still coming.
    pub gather: Option<Box<Gather>>,
    /// The rest of a body that nobody wants, with how many bytes of it may still come.
    pub skip: Option<(Box<Body>, usize)>,
    pub output: Output,
    pub watches_writing: bool,
    /// What follows when everything is sent.
    pub then: Then,
    /// Until when the head that has begun must be whole, or what is thrown away must end, in milliseconds; 0: nothing
    /// has begun.
    pub until_ms: u64,
    /// Requests served.
    pub requests: u32,
    /// How often it was passed on from worker to worker before anybody served it.
    pub hops: u8,
    /// The first bytes say who the client is.
    pub awaits_proxy_line: bool,
}

/// What follows when everything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The next request.
    Read,
    /// The end.
    Close,
    /// The end, once the other side has ended or this many bytes were thrown away: closing a socket with bytes unread
    /// would take back what was sent.
    Linger(u32),
}

/// A request whose head is complete.
pub struct Gather {
    pub head: Vec<u8>,
    pub body: Body,
    pub data: Vec<u8>,
}

/// Who is at the other end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Empty for unix sockets.
    pub address: String,
    pub port: u16,
}

impl Connection {
    pub fn new(transport: Transport, listener: u32, peer: Peer) -> Connection {
        Connection {
            transport,
            listener,
            peer,
            number: None,
            input: Vec::new(),
            is_unparsed: false,
            has_ended: false,
            gather: None,
            skip: None,
            output: Output::default(),
            watches_writing: false,
            then: Then::Read,
            until_ms: 0,
            requests: 0,
            hops: 0,
            awaits_proxy_line: false,
        }
    }

    /// Whether it could be served by any other process that gets its descriptor and its input.
    pub fn is_portable(&self) -> bool {
        self.gather.is_none()
            && self.skip.is_none()
            && self.output.is_empty()
            && self.then == Then::Read
            && !self.transport.is_encrypted()
    }
}
