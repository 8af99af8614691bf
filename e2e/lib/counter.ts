import { crateFiles } from "./project.js";

/**
 * An app of three replicas that says how it was started and who answers; `POST /ID` leaves a line with the id in a file all replicas have in
 * common, `GET /ids` shows it. `POST /break` is the end of that replica, also of those after it in its place, until
 * somebody has sent `POST /mend`. Every answer takes 5 ms, so that under load there is always something under way.
 */
export function counterFiles(word: string): Record<string, string> {
  return {
    ...crateFiles("counter", source),
    "bloom.toml": `[run]
replicas = 3
command = "./target/release/counter ${word}"
drain_seconds = 5
[mounts]
all = { source = "local" }
own = { source = "instance" }
[deploy]
strategy = "rolling"
`,
  };
}

const source = `
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::exit;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn main() {
    if Path::new("own/broken").exists() && !Path::new("all/mended").exists() {
        exit(3);
    }
    let word = std::env::args().nth(1).unwrap_or_default();
    let born = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let name = format!("{word} {born}");
    let listener = TcpListener::bind(("127.0.0.1", std::env::var("PORT").unwrap().parse().unwrap())).unwrap();
    for stream in listener.incoming() {
        let name = name.clone();
        let stream = stream.unwrap();
        std::thread::spawn(move || while serve(&stream, &name).is_some() {});
    }
}

/// Answers one request; None when there is no more.
fn serve(mut stream: &TcpStream, name: &str) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|length| *length > 0)?;
    let (mut length, mut closes) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        let line = line.trim().to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        closes |= line == "connection: close";
        if line.is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    let mut words = first.split(' ');
    let body = match (words.next()?, words.next()?) {
        ("GET", "/ids") => fs::read_to_string("all/ids").unwrap_or_default(),
        ("POST", "/break") => {
            fs::write("own/broken", "").unwrap();
            exit(3)
        }
        ("POST", "/mend") => {
            fs::write("all/mended", "").unwrap();
            "mended".into()
        }
        ("POST", id) => {
            let mut file = OpenOptions::new().create(true).append(true).open("all/ids").unwrap();
            file.write_all(format!("{id}\\n").as_bytes()).unwrap();
            "counted".into()
        }
        _ => name.to_string(),
    };
    std::thread::sleep(Duration::from_millis(5));
    let head = format!("HTTP/1.1 200 OK\\r\\nContent-Length: {}\\r\\n", body.len());
    let end = if closes { "Connection: close\\r\\n" } else { "" };
    stream.write_all(format!("{head}{end}\\r\\n{body}").as_bytes()).ok()?;
    (!closes).then_some(())
}
`;
