//! Clients of an echo server; each mode prints one line of JSON. Every byte that comes back is compared.
//!
//! `blocks ADDRESS SECONDS CONNECTIONS BYTES`: as much as fits, both ways. `trips ADDRESS SECONDS BYTES`: one question
//! after the other. `constant ADDRESS CONNECTIONS`: all of them ask all the time, until the end of stdin.
//! `rate ADDRESS PER_SECOND`: new connections with one question each, until the end of stdin.
//! `hold ADDRESS CONNECTIONS`: says when they are open, holds them until the end of stdin, and asks each once more.

use std::env;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

static STOP: AtomicBool = AtomicBool::new(false);
static ASKED: AtomicU64 = AtomicU64::new(0);
static BROKEN: AtomicU64 = AtomicU64::new(0);
static WRONG: AtomicU64 = AtomicU64::new(0);
static REFUSED: AtomicU64 = AtomicU64::new(0);

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let number = |index: usize| words[index].parse::<u64>().expect("a number");
    let address = words[1].clone();
    match words[0].as_str() {
        "blocks" => blocks(&address, number(2), number(3), number(4) as usize),
        "trips" => trips(&address, number(2), number(3) as usize),
        "constant" => constant(&address, number(2)),
        "rate" => rate(&address, number(2)),
        "hold" => hold(&address, number(2)),
        other => panic!("there is no mode {other}"),
    }
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

/// Until stdin ends.
fn wait_for_the_end() {
    let _ = io::stdin().read_to_end(&mut Vec::new());
    STOP.store(true, Relaxed);
}

fn blocks(address: &str, seconds: u64, connections: u64, size: usize) {
    let began = Instant::now();
    let end = began + Duration::from_secs(seconds);
    let clients: Vec<_> = (0..connections)
        .map(|_| {
            let mut reader = connect(address).expect("a connection");
            thread::spawn(move || {
                let mut writer = reader.try_clone().expect("a copy");
                let sender = thread::spawn(move || {
                    let block = vec![b'b'; size];
                    while Instant::now() < end && writer.write_all(&block).is_ok() {}
                    let _ = writer.shutdown(std::net::Shutdown::Write);
                });
                let mut buffer = vec![0; 256 << 10];
                let mut total = 0u64;
                while let Ok(count @ 1..) = reader.read(&mut buffer) {
                    total += count as u64;
                }
                sender.join().expect("the sender");
                total
            })
        })
        .collect();
    let total: u64 = clients.into_iter().map(|client| client.join().expect("a client")).sum();
    let rate = total as f64 / began.elapsed().as_secs_f64() / 1e6;
    println!("{{\"megabytesPerSecond\":{rate:.1}}}");
}

fn trips(address: &str, seconds: u64, size: usize) {
    let mut stream = connect(address).expect("a connection");
    let end = Instant::now() + Duration::from_secs(seconds);
    let (question, mut answer) = (vec![b'q'; size], vec![0; size]);
    let mut times = Vec::new();
    while Instant::now() < end {
        let began = Instant::now();
        stream.write_all(&question).expect("to be heard");
        stream.read_exact(&mut answer).expect("an answer");
        times.push(began.elapsed().as_nanos() as u64);
    }
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize] as f64 / 1000.0;
    println!("{{\"trips\":{},\"p50Us\":{:.1},\"p99Us\":{:.1}}}", times.len(), at(0.5), at(0.99));
}

/// One question whose answer must be the same. False: the connection is broken, or the bytes are not those.
fn ask(stream: &mut TcpStream, question: &[u8], answer: &mut [u8]) -> bool {
    if stream.write_all(question).and_then(|()| stream.read_exact(answer)).is_err() {
        BROKEN.fetch_add(1, Relaxed);
        return false;
    }
    if question != answer {
        WRONG.fetch_add(1, Relaxed);
        return false;
    }
    ASKED.fetch_add(1, Relaxed);
    true
}

fn tell() {
    let [asked, broken, wrong, refused] = [&ASKED, &BROKEN, &WRONG, &REFUSED].map(|count| count.load(Relaxed));
    println!("{{\"asked\":{asked},\"broken\":{broken},\"wrong\":{wrong},\"refused\":{refused}}}");
}

fn constant(address: &str, connections: u64) {
    let clients: Vec<_> = (0..connections)
        .map(|number| {
            let mut stream = connect(address).expect("a connection");
            let client = move || {
                let mut answer = [0; 64];
                for count in 0u64.. {
                    let question = format!("{number:032}{count:032}");
                    if STOP.load(Relaxed) || !ask(&mut stream, question.as_bytes(), &mut answer) {
                        return;
                    }
                    // In constant use, and still of a machine that has other things to do.
                    thread::sleep(Duration::from_millis(20));
                }
            };
            thread::Builder::new().stack_size(64 << 10).spawn(client).expect("a thread")
        })
        .collect();
    println!("open");
    wait_for_the_end();
    clients.into_iter().for_each(|client| client.join().expect("a client"));
    tell();
}

fn rate(address: &str, per_second: u64) {
    let address = address.to_owned();
    let callers: Vec<_> = (0..8u64)
        .map(|lane| {
            let address = address.clone();
            thread::spawn(move || {
                let began = Instant::now();
                for count in 0u64.. {
                    let due = began + Duration::from_secs_f64((count * 8 + lane) as f64 / per_second as f64);
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    if STOP.load(Relaxed) {
                        return;
                    }
                    match connect(&address) {
                        Ok(mut stream) => drop(ask(&mut stream, b"new here", &mut [0; 8])),
                        Err(_) => drop(REFUSED.fetch_add(1, Relaxed)),
                    }
                }
            })
        })
        .collect();
    println!("open");
    wait_for_the_end();
    callers.into_iter().for_each(|caller| caller.join().expect("a caller"));
    tell();
}

fn hold(address: &str, connections: u64) {
    let mut streams = Vec::new();
    for _ in 0..connections {
        match connect(address) {
            Ok(stream) => streams.push(stream),
            Err(_) => drop(REFUSED.fetch_add(1, Relaxed)),
        }
    }
    println!("open");
    wait_for_the_end();
    for stream in &mut streams {
        ask(stream, b"still here", &mut [0; 10]);
    }
    tell();
}
