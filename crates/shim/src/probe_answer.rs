//! What an app answers to a probe that asks it by HTTP.

use std::fs::File;
use std::io::{ErrorKind, Read};

const HEAD_LIMIT: usize = 4096;

/// Reads until the first line is whole; `None` while more is to come.
pub fn read_head(stream: &mut File, head: &mut Vec<u8>) -> Option<Result<(), String>> {
    let mut buffer = [0; 1024];
    while !head.contains(&b'\n') && head.len() < HEAD_LIMIT {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => head.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Some(Err(error.to_string())),
        }
    }
    Some(Ok(()))
}

/// Whether these first bytes of an answer say that all is well; if not, what they say instead.
pub fn judge(head: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(head);
    let status = text.strip_prefix("HTTP/").and_then(|rest| rest.split_whitespace().nth(1)?.parse::<u16>().ok());
    match status {
        Some(200..=399) => Ok(()),
        Some(other) => Err(format!("status {other}")),
        None if head.is_empty() => Err("empty answer".to_owned()),
        None => Err("not an HTTP answer".to_owned()),
    }
}

/// Reads and forgets; true at the end, in whatever form it comes. A server that never stops talking is listened
/// to in portions.
pub fn discard(stream: &mut File) -> bool {
    let mut buffer = [0; 4096];
    for _ in 0..16 {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return true,
        }
    }
    false
}
