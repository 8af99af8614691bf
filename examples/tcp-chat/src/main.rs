//! A room in which everybody hears everybody. It is only in memory: a new version opens an empty one, and those who are
//! in the old room stay among themselves until they leave.

use std::collections::HashMap;
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Longest line anybody may say, in bytes.
const LONGEST: u64 = 1024;

/// Who is there, by the number of their visit.
#[derive(Default)]
struct Room {
    people: HashMap<u64, Person>,
    visits: u64,
}

struct Person {
    name: String,
    stream: TcpStream,
}

impl Room {
    /// Says a line to all but one. Who does not listen for a second is left out from then on.
    fn say(&mut self, line: &str, except: u64) {
        self.people.retain(|number, person| *number == except || writeln!(person.stream, "{line}").is_ok());
    }

    fn names(&self) -> String {
        let mut names: Vec<_> = self.people.values().map(|person| person.name.as_str()).collect();
        names.sort_unstable();
        if names.is_empty() { "nobody else".into() } else { names.join(", ") }
    }
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:7879")?;
    println!("the room is open on {}", listener.local_addr()?);
    let room = Arc::new(Mutex::new(Room::default()));
    for stream in listener.incoming() {
        let (stream, room) = (stream?, room.clone());
        thread::spawn(move || {
            if let Err(error) = visit(stream, &room) {
                eprintln!("a visit ended: {error}");
            }
        });
    }
    Ok(())
}

/// One visit, from the first line to the last.
fn visit(mut stream: TcpStream, room: &Mutex<Room>) -> io::Result<()> {
    let with_room = |act: &mut dyn FnMut(&mut Room)| act(&mut room.lock().unwrap_or_else(PoisonError::into_inner));
    stream.set_write_timeout(Some(Duration::from_secs(1)))?;
    let version = env::var("BLOOM_VERSION").unwrap_or_else(|_| "0".into());
    writeln!(stream, "* Room of version {version}. What is your name?")?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let Some(name) = next_line(&mut reader)?.filter(|name| !name.is_empty()) else { return Ok(()) };

    let mut number = 0;
    let copy = stream.try_clone()?;
    let mut newcomer = Some(Person { name: name.clone(), stream: copy });
    let mut present = String::new();
    with_room(&mut |room| {
        room.visits += 1;
        number = room.visits;
        present = room.names();
        room.say(&format!("* {name} is here"), number);
        room.people.extend(newcomer.take().map(|person| (number, person)));
    });
    writeln!(stream, "* Welcome, {name}. Here: {present}")?;

    let ending = loop {
        match next_line(&mut reader) {
            Ok(Some(line)) => with_room(&mut |room| room.say(&format!("{name}: {line}"), number)),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    with_room(&mut |room| {
        room.people.remove(&number);
        room.say(&format!("* {name} is gone"), number);
    });
    ending
}

/// The next line without its end; None at the end of the connection. What is not text is made visible.
fn next_line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    io::Read::take(&mut *reader, LONGEST).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let line = String::from_utf8_lossy(&bytes);
    Ok(Some(line.trim_end().chars().map(|sign| if sign.is_control() { '?' } else { sign }).collect()))
}
