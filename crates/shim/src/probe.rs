//! Finds out when an app is ready, without frightening naive servers: a connection that is opened is also
//! closed in the orderly way, never reset.

use crate::app_socket;
use crate::loopback;
use crate::poller::{READ, WRITE};
use crate::probe_answer::{discard, judge, read_head};
use bloom_control::Ready;
use nix::sys::epoll::EpollFlags;
use nix::sys::socket::sockopt::SocketError;
use nix::sys::socket::{Shutdown, SockaddrStorage, getpeername, getsockopt, shutdown};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::{Duration, Instant};

const CONNECT_LIMIT: Duration = Duration::from_secs(1);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// How long a connection of ours may keep a one-threaded server busy.
const LINGER: Duration = Duration::from_millis(200);

/// What a probe has found out.
pub type Verdict = Result<(), String>;

/// One attempt: a connection from its opening to its orderly close.
pub struct Probe {
    stream: File,
    /// What it is connected to, for people.
    place: String,
    /// Asked for once connected; without one the connection itself is the answer.
    path: Option<String>,
    stage: Stage,
    until: Instant,
}

enum Stage {
    Connecting,
    /// The request is out; so much of the answer is in.
    Asking(Vec<u8>),
    /// Everything is said; the other side may finish.
    Closing,
    Closed,
}

impl Probe {
    /// Begins an attempt; `None` when there is nothing to connect to.
    pub fn start(ready: &Ready) -> Option<Result<Probe, String>> {
        let (place, stream, path) = match ready {
            // Those who say it themselves are not asked, nor those who are watched.
            Ready::None {} | Ready::Message { .. } | Ready::Listens { .. } => return None,
            Ready::Tcp { port, .. } => (place_of(*port), loopback::connect_to(*port), None),
            Ready::Http { port, path, .. } => (place_of(*port), loopback::connect_to(*port), Some(path)),
            Ready::Unix { socket, path, .. } => (name_of(socket), app_socket::connect_to(socket), path.as_ref()),
        };
        let until = Instant::now() + CONNECT_LIMIT;
        let path = path.cloned();
        Some(match stream {
            Ok(stream) => Ok(Probe { stream: File::from(stream), place, path, stage: Stage::Connecting, until }),
            Err(error) => Err(said_connect(&place, &error)),
        })
    }

    /// The connection, for the poller.
    pub fn stream(&self) -> &File {
        &self.stream
    }

    /// What it waits for.
    pub fn interest(&self) -> EpollFlags {
        if matches!(self.stage, Stage::Connecting) { WRITE } else { READ }
    }

    /// When it has waited long enough.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Whether the connection can be dropped.
    pub fn is_closed(&self) -> bool {
        matches!(self.stage, Stage::Closed)
    }

    /// Goes on as far as it can; tells the verdict once.
    pub fn advance(&mut self) -> Option<Verdict> {
        let (verdict, next) = match &mut self.stage {
            Stage::Connecting => match getsockopt(&self.stream, SocketError) {
                Ok(0) if getpeername::<SockaddrStorage>(self.stream.as_raw_fd()).is_err() => return None,
                Ok(0) => return self.connected(),
                Ok(error) => {
                    let error = io::Error::from_raw_os_error(error);
                    (Some(Err(said_connect(&self.place, &error))), Stage::Closed)
                }
                Err(error) => (Some(Err(said_connect(&self.place, &error.into()))), Stage::Closed),
            },
            Stage::Asking(head) => match read_head(&mut self.stream, head) {
                None => return None,
                Some(read) => {
                    let verdict = read.and_then(|()| judge(head));
                    (Some(verdict.map_err(|what| self.said(&what))), Stage::Closing)
                }
            },
            Stage::Closing => match discard(&mut self.stream) {
                false => return None,
                true => (None, Stage::Closed),
            },
            Stage::Closed => return None,
        };
        match next {
            Stage::Closing => self.close(),
            other => self.stage = other,
        }
        verdict
    }

    /// Its time is over.
    pub fn expire(&mut self) -> Option<Verdict> {
        let what = match self.stage {
            Stage::Connecting => format!("connect {}: no answer", self.place),
            Stage::Asking(_) => self.said("no answer"),
            Stage::Closing | Stage::Closed => {
                self.stage = Stage::Closed;
                return None;
            }
        };
        self.stage = Stage::Closed;
        Some(Err(what))
    }

    fn connected(&mut self) -> Option<Verdict> {
        let Some(path) = &self.path else {
            self.close();
            return Some(Ok(()));
        };
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bloom-shim\r\nConnection: close\r\n\r\n");
        if let Err(error) = self.stream.write_all(request.as_bytes()) {
            self.stage = Stage::Closed;
            return Some(Err(self.said(&error.to_string())));
        }
        self.stage = Stage::Asking(Vec::new());
        self.until = Instant::now() + ANSWER_LIMIT;
        None
    }

    /// Says that nothing more will come, then waits for the other side, so that no reset is ever sent.
    fn close(&mut self) {
        let _ = shutdown(self.stream.as_raw_fd(), Shutdown::Write);
        self.until = Instant::now() + LINGER;
        self.stage = if discard(&mut self.stream) { Stage::Closed } else { Stage::Closing };
    }

    fn said(&self, what: &str) -> String {
        let path = self.path.as_deref().unwrap_or_default();
        format!("GET http://{}{path}: {what}", self.place)
    }
}

fn place_of(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// The host's path says nothing to the app's people; the file's name is the same on both sides.
fn name_of(socket: &Path) -> String {
    format!("unix:{}", socket.file_name().unwrap_or_default().to_string_lossy())
}

fn said_connect(place: &str, error: &io::Error) -> String {
    let reason = match error.kind() {
        _ if place.starts_with("unix:") => app_socket::describe(error),
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::NetworkUnreachable => "the network is down".to_owned(),
        _ => error.to_string(),
    };
    format!("connect {place}: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poller::Poller;
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, socket};
    use std::io::Read;
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;
    use std::thread::{self, JoinHandle};

    /// Drives one probe from its start to its close.
    fn probe(ready: &Ready) -> Verdict {
        let mut probe = Probe::start(ready).unwrap()?;
        let poller = Poller::open().unwrap();
        poller.add(probe.stream(), 0, probe.interest()).unwrap();
        let mut verdict = None;
        while !probe.is_closed() {
            poller.change(probe.stream(), 0, probe.interest()).unwrap();
            let rest = probe.until().saturating_duration_since(Instant::now());
            let events = poller.wait(Some(rest));
            let said = if events.is_empty() && rest.is_zero() { probe.expire() } else { probe.advance() };
            verdict = verdict.or(said);
        }
        verdict.unwrap()
    }

    fn tcp(port: u16) -> Ready {
        Ready::Tcp { port, timeout_ms: 1000 }
    }

    fn http(port: u16) -> Ready {
        Ready::Http { port, path: "/up".into(), timeout_ms: 1000 }
    }

    fn serve(answer: &'static str) -> (u16, JoinHandle<io::Result<usize>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept()?;
            let count = stream.read(&mut [0; 1024])?;
            stream.write_all(answer.as_bytes())?;
            Ok(count)
        });
        (port, server)
    }

    #[test]
    fn a_connection_is_closed_without_a_reset() {
        let (port, server) = serve("goodbye");
        assert_eq!(probe(&tcp(port)), Ok(()));
        // An end of file, not an error: that is what an unwrap in a naive server survives.
        assert_eq!(server.join().unwrap().unwrap(), 0);
    }

    #[test]
    fn a_silent_server_is_ready_and_not_waited_for_long() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let start = Instant::now();
        assert_eq!(probe(&tcp(listener.local_addr().unwrap().port())), Ok(()));
        assert!(start.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn says_what_it_saw() {
        // Taken, so that no other test gets it, and without anybody who listens.
        let taken = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
        bind(taken.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).unwrap();
        let port = getsockname::<SockaddrIn>(taken.as_raw_fd()).unwrap().port();
        let refused = probe(&tcp(port)).unwrap_err();
        assert_eq!(refused, format!("connect 127.0.0.1:{port}: connection refused"));
        for (answer, seen) in
            [("HTTP/1.1 503 Busy\r\n\r\n", "status 503"), ("", "empty answer"), ("nonsense\n", "not an HTTP answer")]
        {
            let (port, server) = serve(answer);
            let problem = probe(&http(port)).unwrap_err();
            assert_eq!(problem, format!("GET http://127.0.0.1:{port}/up: {seen}"));
            server.join().unwrap().unwrap();
        }
        let (port, server) = serve("HTTP/1.1 204 Fine\r\n\r\n");
        assert_eq!(probe(&http(port)), Ok(()));
        server.join().unwrap().unwrap();
    }

    #[test]
    fn asks_over_a_unix_socket_too() {
        let socket = std::env::temp_dir().join(format!("bloom-probe-{}.sock", std::process::id()));
        let name = socket.file_name().unwrap().to_str().unwrap().to_owned();
        let unix = |path: Option<&str>| Ready::Unix {
            socket: socket.clone(),
            path: path.map(str::to_owned),
            timeout_ms: 1000,
        };
        assert_eq!(probe(&unix(None)).unwrap_err(), format!("connect unix:{name}: it is not there"));
        let listener = UnixListener::bind(&socket).unwrap();
        assert_eq!(probe(&unix(None)), Ok(()));
        for (answer, said) in [("HTTP/1.1 200 OK\r\n\r\n", None), ("HTTP/1.1 500 No\r\n\r\n", Some("status 500"))] {
            let listener = listener.try_clone().unwrap();
            let server = thread::spawn(move || {
                // The first connection may be the one that only knocked.
                let mut heard = Vec::new();
                while heard.is_empty() {
                    let (mut stream, _) = listener.accept().unwrap();
                    heard.resize(1024, 0);
                    let count = stream.read(&mut heard).unwrap();
                    heard.truncate(count);
                    let _ = stream.write_all(answer.as_bytes());
                }
                String::from_utf8(heard).unwrap()
            });
            let problem = said.map(|said| format!("GET http://unix:{name}/up: {said}"));
            assert_eq!(probe(&unix(Some("/up"))).err(), problem);
            assert!(server.join().unwrap().starts_with("GET /up HTTP/1.1\r\nHost: localhost\r\n"));
        }
        std::fs::remove_file(&socket).unwrap();
    }

    #[test]
    fn nothing_to_ask_is_nothing_to_do() {
        assert!(Probe::start(&Ready::None {}).is_none());
    }
}
