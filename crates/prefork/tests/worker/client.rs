//! A client that says exactly what it is told and reads answers whole.

use crate::harness::PATIENCE;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

pub struct Client {
    stream: TcpStream,
    rest: Vec<u8>,
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream, rest: Vec::new() }
    }

    pub fn say(&mut self, bytes: impl AsRef<[u8]>) -> &mut Client {
        self.stream.write_all(bytes.as_ref()).unwrap();
        self
    }

    /// Says it as far as the other side lets it.
    pub fn try_to_say(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    pub fn get(&mut self, path: &str) -> Response {
        self.say(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        self.response()
    }

    pub fn post(&mut self, path: &str, body: &[u8]) -> Response {
        self.say(format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n", body.len())).say(body);
        self.response()
    }

    /// The next answer, whole; panics where there is none.
    pub fn response(&mut self) -> Response {
        self.try_response(false).expect("an answer")
    }

    /// The answer to a HEAD.
    pub fn response_without_body(&mut self) -> Response {
        self.try_response(true).expect("an answer")
    }

    /// None: the connection ended without a byte of an answer.
    pub fn maybe_response(&mut self) -> Option<Response> {
        self.try_response(false)
    }

    fn try_response(&mut self, is_bodiless: bool) -> Option<Response> {
        let end = loop {
            if let Some(at) = self.rest.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if self.receive() == 0 {
                assert!(self.rest.is_empty(), "half an answer: {:?}", String::from_utf8_lossy(&self.rest));
                return None;
            }
        };
        let head = String::from_utf8(self.rest.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut response = Response { status, head, body: Vec::new() };
        if !is_bodiless && status >= 200 && status != 204 && status != 304 {
            response.body = self.body(&response);
        }
        Some(response)
    }

    fn body(&mut self, response: &Response) -> Vec<u8> {
        if let Some(length) = response.header("content-length") {
            return self.take(length.parse().unwrap());
        }
        if response.header("transfer-encoding") != Some("chunked") {
            while self.receive() > 0 {}
            return std::mem::take(&mut self.rest);
        }
        let mut body = Vec::new();
        loop {
            let length = usize::from_str_radix(&self.line(), 16).unwrap();
            body.extend(self.take(length));
            assert_eq!(self.line(), "");
            if length == 0 {
                return body;
            }
        }
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(at) = self.rest.windows(2).position(|two| two == b"\r\n") {
                let line = self.rest.drain(..at + 2).collect::<Vec<_>>();
                return String::from_utf8(line[..at].to_vec()).unwrap();
            }
            assert!(self.receive() > 0, "the answer ends in the middle of a line");
        }
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        while self.rest.len() < length {
            assert!(self.receive() > 0, "the answer ends after {} of {length} bytes", self.rest.len());
        }
        self.rest.drain(..length).collect()
    }

    /// Whether the other side has ended the connection.
    pub fn is_over(&mut self) -> bool {
        self.rest.is_empty() && self.receive() == 0
    }

    fn receive(&mut self) -> usize {
        let mut piece = [0; 64 << 10];
        match self.stream.read(&mut piece) {
            Ok(count) => {
                self.rest.extend_from_slice(&piece[..count]);
                count
            }
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => 0,
            Err(error) => panic!("nothing came: {error}"),
        }
    }
}
