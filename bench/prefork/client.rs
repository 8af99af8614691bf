//! Clients over connections that are kept, each of which asks again as soon as it has its answer. Unlike wrk it says how
//! long each single connection had to wait, and sends again as HTTP clients do.
//!
//! `client load HOST:PORT CONNECTIONS SECONDS`: what was counted, as JSON; times in microseconds.
//! `client hold HOST:PORT CONNECTIONS`: each asks once and then stays until the standard input ends; one line of JSON when
//! all have asked.
//! `client watch SECONDS`: looks at the clock and does nothing else; the longest that it stood still, as JSON.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// A request without an answer for so long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

#[repr(C)]
struct Watched {
    fd: i32,
    events: i16,
    happened: i16,
}

const READABLE: i16 = 1;

unsafe extern "C" {
    fn poll(watched: *mut Watched, count: u64, milliseconds: i32) -> i32;
}

/// One client: at most one connection, always with one request under way.
struct Client {
    stream: Option<TcpStream>,
    received: Vec<u8>,
    /// This connection has brought an answer before.
    is_reused: bool,
    is_second_try: bool,
    began: Instant,
    longest: Duration,
    answers: u64,
}

#[derive(Default)]
struct Counts {
    micros: Vec<u32>,
    failed: u64,
    sent_again: u64,
}

enum Seen {
    Nothing,
    /// Whether the connection goes on, and whether the status was 200.
    Answer(bool, bool),
    Closed,
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, what, seconds] = &args[..]
        && what == "watch"
    {
        return watch(Duration::from_secs(seconds.parse().expect("seconds")));
    }
    let [_, what, address, connections, rest @ ..] = &args[..] else {
        panic!("client load|hold HOST:PORT CONNECTIONS [SECONDS]")
    };
    let address: SocketAddr = address.parse().expect("HOST:PORT");
    let connections: usize = connections.parse().expect("a number of connections");
    match what.as_str() {
        "load" => load(address, connections, Duration::from_secs(rest[0].parse().expect("seconds"))),
        _ => hold(address, connections),
    }
}

fn load(address: SocketAddr, connections: usize, length: Duration) {
    let mut counts = Counts::default();
    let begin = Instant::now();
    let mut clients: Vec<Client> = (0..connections).map(|_| Client::new(begin)).collect();
    for client in &mut clients {
        client.ask(address, &mut counts);
    }
    while begin.elapsed() < length {
        let mut watched: Vec<Watched> = clients.iter().map(Client::watch).collect();
        // SAFETY: the kernel writes into as many entries as there are.
        unsafe { poll(watched.as_mut_ptr(), watched.len() as u64, 20) };
        for (client, seen) in clients.iter_mut().zip(&watched) {
            if seen.happened != 0 {
                client.look(address, &mut counts);
            } else if client.stream.is_none() || client.began.elapsed() > PATIENCE {
                client.fail(address, &mut counts);
            }
        }
    }
    let mut answers: Vec<u64> = clients.iter().map(|client| client.answers.max(1)).collect();
    answers.sort_unstable();
    // Each has asked all the time, so who has fewer answers has waited longer for each.
    let slowest = answers[answers.len() / 2] as f64 / answers[0] as f64;
    let starved = clients.iter().filter(|client| client.answers == 0).count();
    let mut longest: Vec<u32> = clients.iter().map(|client| micros(client.longest.max(client.began.elapsed()))).collect();
    longest.sort_unstable();
    counts.micros.sort_unstable();
    println!(
        "{{\"requests\":{},\"failed\":{},\"sentAgain\":{},\"starved\":{starved},\"slowest\":{slowest},\"p50\":{},\"p99\":{},\"p999\":{},\"longest\":{},\"longestMedian\":{}}}",
        counts.micros.len(),
        counts.failed,
        counts.sent_again,
        share(&counts.micros, 0.5),
        share(&counts.micros, 0.99),
        share(&counts.micros, 0.999),
        share(&longest, 1.0),
        share(&longest, 0.5),
    );
}

fn watch(length: Duration) {
    let begin = Instant::now();
    let (mut before, mut longest) = (begin, Duration::ZERO);
    while begin.elapsed() < length {
        let now = Instant::now();
        longest = longest.max(now - before);
        before = now;
    }
    println!("{{\"stoodStill\":{}}}", micros(longest));
}

/// Opened one after the other, and asked together, so that nobody waits for those who are not served.
fn hold(address: SocketAddr, connections: usize) {
    let mut streams: Vec<TcpStream> = Vec::new();
    for _ in 0..connections {
        let Ok(mut stream) = TcpStream::connect(address) else { continue };
        if stream.write_all(REQUEST).is_ok() {
            streams.push(stream);
        }
    }
    let end = Instant::now() + Duration::from_secs(5);
    let mut answered = 0;
    for stream in &mut streams {
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let _ = stream.set_read_timeout(Some(left));
        answered += usize::from(matches!(stream.read(&mut [0; 4096]), Ok(1..)));
    }
    println!("{{\"open\":{},\"answered\":{answered}}}", streams.len());
    let _ = std::io::stdin().read(&mut [0]);
    let gone = streams.iter().filter(|stream| is_closed(stream)).count();
    println!("{{\"closed\":{gone}}}");
}

fn is_closed(mut stream: &TcpStream) -> bool {
    let _ = stream.set_nonblocking(true);
    !matches!(stream.read(&mut [0; 4096]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

impl Client {
    fn new(began: Instant) -> Client {
        Client {
            stream: None,
            received: Vec::new(),
            is_reused: false,
            is_second_try: false,
            began,
            longest: Duration::ZERO,
            answers: 0,
        }
    }

    fn watch(&self) -> Watched {
        Watched { fd: self.stream.as_ref().map_or(-1, AsRawFd::as_raw_fd), events: READABLE, happened: 0 }
    }

    /// The next request, over a new connection where there is none.
    fn ask(&mut self, address: SocketAddr, counts: &mut Counts) {
        self.began = Instant::now();
        self.is_second_try = false;
        self.send(address, counts);
    }

    fn send(&mut self, address: SocketAddr, counts: &mut Counts) {
        self.received.clear();
        if self.stream.is_none() {
            self.is_reused = false;
            self.stream = connect(address);
        }
        let is_sent = self.stream.as_mut().is_some_and(|stream| stream.write_all(REQUEST).is_ok());
        if !is_sent {
            self.lose(address, counts);
        }
    }

    fn look(&mut self, address: SocketAddr, counts: &mut Counts) {
        match self.receive() {
            Seen::Nothing => {}
            Seen::Closed => self.lose(address, counts),
            Seen::Answer(goes_on, is_good) => {
                let took = self.began.elapsed();
                self.longest = self.longest.max(took);
                self.answers += 1;
                counts.micros.push(micros(took));
                counts.failed += u64::from(!is_good);
                self.is_reused = true;
                if !goes_on {
                    self.stream = None;
                }
                self.ask(address, counts);
            }
        }
    }

    /// The connection is gone. Who used it before cannot know whether it was closed before the request came, so a GET is
    /// sent again, once, over a new one.
    fn lose(&mut self, address: SocketAddr, counts: &mut Counts) {
        let may_try_again = self.is_reused && self.received.is_empty() && !self.is_second_try;
        self.stream = None;
        if may_try_again {
            self.is_second_try = true;
            counts.sent_again += 1;
            self.send(address, counts);
        } else {
            // The event loop goes on from here, so that a server that is gone is not asked without end.
            self.longest = self.longest.max(self.began.elapsed());
        }
    }

    fn fail(&mut self, address: SocketAddr, counts: &mut Counts) {
        counts.failed += 1;
        self.longest = self.longest.max(self.began.elapsed());
        self.stream = None;
        self.ask(address, counts);
    }

    fn receive(&mut self) -> Seen {
        let mut bytes = [0; 4096];
        loop {
            match self.stream.as_mut().map(|stream| stream.read(&mut bytes)) {
                Some(Ok(count @ 1..)) => self.received.extend_from_slice(&bytes[..count]),
                Some(Err(error)) if error.kind() == ErrorKind::WouldBlock => return Seen::Nothing,
                Some(Err(error)) if error.kind() == ErrorKind::Interrupted => continue,
                _ => return Seen::Closed,
            }
            if let Some(seen) = read_answer(&self.received) {
                return seen;
            }
        }
    }
}

/// Answers here say how long they are.
fn read_answer(received: &[u8]) -> Option<Seen> {
    let end = received.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&received[..end]).to_ascii_lowercase();
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let length: usize = field("content-length:")?.parse().ok()?;
    let goes_on = field("connection:") != Some("close");
    (received.len() >= end + 4 + length).then_some(Seen::Answer(goes_on, head.starts_with("http/1.1 200 ")))
}

fn connect(address: SocketAddr) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_nodelay(true).and_then(|()| stream.set_nonblocking(true)).ok()?;
    Some(stream)
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

fn share(sorted: &[u32], share: f64) -> u32 {
    let index = (sorted.len() as f64 * share) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}
