//! The smallest web app that keeps its promises: it listens on `PORT`, answers every request, and lets
//! clients keep their connection.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, io, thread};

fn main() -> io::Result<()> {
    let port = env::var("PORT").unwrap_or_else(|_| "8888".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    println!("listening on port {port}");
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || {
            if let Err(error) = serve(stream) {
                eprintln!("connection ended: {error}");
            }
        });
    }
    Ok(())
}

/// Answers requests on one connection until the client is done with it.
fn serve(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let path = line.split_whitespace().nth(1).unwrap_or("/").to_owned();
        // The head ends with an empty line; this app needs nothing of it.
        while reader.read_line(&mut line)? > 2 {
            line.clear();
        }
        line.clear();
        let version = env::var("BLOOM_VERSION").unwrap_or_else(|_| "0".into());
        let body = format!("Hello from Rust! This is version {version}, and you asked for {path}\n");
        write!(
            writer,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
    Ok(())
}
