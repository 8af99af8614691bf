//! Passes connections of a unix socket on to the app: to a loopback port where instances share the host's network,
//! or to the app's own unix socket. nginx knows only the name of ours, so that versions can be switched by a rename.

use crate::app_socket;
use crate::forward_pair::Pair;
use crate::loopback;
use crate::poller::{FORWARD, PAIRS, Poller, READ, Ready, Token};
use bloom_control::Forward;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{setsockopt, sockopt::TcpNoDelay};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

const CHUNK: usize = 32 * 1024;
/// How long accepting rests when there are no descriptors left.
const REST: Duration = Duration::from_millis(100);
/// How long it rests when the app has more connections waiting than it accepts. A unix socket does not wait by
/// itself, as a port does; those that come meanwhile wait on our own socket.
const SHORT_REST: Duration = Duration::from_millis(2);

const EVERYBODY: u32 = 0o666;
const NOBODY: u32 = 0;

/// Binds a socket. Everybody who can reach its folder may connect: what is behind it is what nginx publishes.
pub fn bind_socket(path: &Path) -> io::Result<UnixListener> {
    let _ = fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(EVERYBODY))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The listening socket and every connection it has passed on.
pub struct Forwarder {
    listener: UnixListener,
    wish: Forward,
    /// Let in already, while the app accepts nothing.
    waiting: Option<UnixStream>,
    pairs: Vec<Option<Pair>>,
    free: Vec<usize>,
    /// Freed in this round of events; used again only in the next, so that no event meets a stranger.
    freed: Vec<usize>,
    open: u32,
    accepted: u64,
    scratch: Vec<u8>,
    rests_until: Option<Instant>,
    /// Who may connect, as the socket's file says.
    mode: u32,
}

impl Forwarder {
    /// Binds the socket and begins to listen.
    pub fn bind(wish: &Forward, poller: &Poller) -> io::Result<Forwarder> {
        let listener = bind_socket(wish.listen())?;
        poller.add(&listener, FORWARD, READ)?;
        raise_descriptor_limit();
        Ok(Forwarder {
            listener,
            wish: wish.clone(),
            waiting: None,
            pairs: Vec::new(),
            free: Vec::new(),
            freed: Vec::new(),
            open: 0,
            accepted: 0,
            scratch: Vec::new(),
            rests_until: None,
            mode: EVERYBODY,
        })
    }

    /// Keeps new connections out while the app is not `up`. Who is refused knows that nothing was sent, and may go to
    /// another replica with it; of one that is let in and seen off nobody knows. A socket cannot stop listening and keep
    /// its name, but the name can be closed, all its links at once. The superuser gets in all the same.
    pub fn show(&mut self, up: bool) {
        let mode = if up { EVERYBODY } else { NOBODY };
        if mode != self.mode && fs::set_permissions(self.wish.listen(), fs::Permissions::from_mode(mode)).is_ok() {
            self.mode = mode;
        }
    }

    /// Connections that are open.
    pub fn connections(&self) -> u32 {
        self.open + u32::from(self.waiting.is_some())
    }

    /// Connections that were passed on, those included that are over.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Lets new connections in, or, while the app is not `up`, sees them off at once.
    pub fn accept(&mut self, up: bool, poller: &Poller) {
        while self.waiting.is_none() {
            match self.listener.accept() {
                Ok((client, _)) if up => self.pass_on(client, poller),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.rest(REST, poller),
            }
        }
    }

    fn rest(&mut self, time: Duration, poller: &Poller) {
        poller.remove(&self.listener);
        self.rests_until = Some(Instant::now() + time);
    }

    /// A client for whom nobody listens sees its connection closed.
    fn pass_on(&mut self, client: UnixStream, poller: &Poller) {
        match self.connect() {
            Ok(app) => drop(self.begin(client, app, poller)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.waiting = Some(client);
                self.rest(SHORT_REST, poller);
            }
            Err(_) => {}
        }
    }

    /// When it wants to accept again.
    pub fn rests_until(&self) -> Option<Instant> {
        self.rests_until
    }

    /// Accepts again, after the one that has waited longest.
    pub fn wake(&mut self, up: bool, poller: &Poller) {
        self.rests_until = None;
        if let Some(client) = self.waiting.take().filter(|_| up) {
            self.pass_on(client, poller);
        }
        if self.rests_until.is_none() {
            let _ = poller.add(&self.listener, FORWARD, READ);
        }
    }

    /// Goes on with one side of one connection.
    pub fn advance(&mut self, event: Ready, poller: &Poller) {
        let index = ((event.token - PAIRS) / 2) as usize;
        let side = (event.token % 2) as usize;
        let Some(pair) = self.pairs.get_mut(index).and_then(Option::as_mut) else { return };
        self.scratch.resize(CHUNK, 0);
        let going = pair.advance(side, event.flags, &mut self.scratch).is_ok();
        if !going || pair.is_done() || pair.register(poller, token_of(index)).is_err() {
            self.drop_pair(index, poller);
        }
    }

    /// Ends a round of events.
    pub fn end_round(&mut self) {
        self.free.append(&mut self.freed);
    }

    /// Takes the socket's name away.
    pub fn unlink(&self) {
        let _ = fs::remove_file(self.wish.listen());
    }

    fn connect(&self) -> io::Result<OwnedFd> {
        match &self.wish {
            Forward::Port(to) => connect_at_once(to.port),
            Forward::Socket(to) => app_socket::connect_to(&to.socket),
        }
    }

    fn begin(&mut self, client: UnixStream, app: OwnedFd, poller: &Poller) -> io::Result<()> {
        client.set_nonblocking(true)?;
        let index = self.free.pop().unwrap_or_else(|| {
            self.pairs.push(None);
            self.pairs.len() - 1
        });
        self.open += 1;
        self.accepted += 1;
        let mut pair = Pair::new(OwnedFd::from(client), app);
        let registered = pair.register(poller, token_of(index)).is_ok();
        self.pairs[index] = Some(pair);
        if !registered {
            self.drop_pair(index, poller);
        }
        Ok(())
    }

    fn drop_pair(&mut self, index: usize, poller: &Poller) {
        if let Some(pair) = self.pairs[index].take() {
            pair.forget(poller);
            self.freed.push(index);
            self.open -= 1;
        }
        if self.open == 0 {
            // An idle shim keeps nothing for times that may not come back.
            self.scratch = Vec::new();
        }
    }
}

fn connect_at_once(port: u16) -> io::Result<OwnedFd> {
    let app = loopback::connect_to(port).map_err(|error| match error.kind() {
        // Another try would find no port either, and to wait as for a busy app would be in vain.
        ErrorKind::WouldBlock => io::Error::from(ErrorKind::AddrInUse),
        _ => error,
    })?;
    setsockopt(&app, TcpNoDelay, &true)?;
    Ok(app)
}

fn token_of(index: usize) -> Token {
    PAIRS + 2 * index as Token
}

/// Each connection that passes through takes two descriptors.
pub fn raise_descriptor_limit() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}
