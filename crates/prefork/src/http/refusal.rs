//! Answers the host gives by itself.

use super::date;
use std::time::SystemTime;

/// A request that is not served, and why. The connection ends with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {reason}")]
pub struct Refusal {
    /// 4xx or 5xx.
    pub status: u16,
    /// One plain sentence for the client.
    pub reason: &'static str,
}

impl Refusal {
    pub(crate) const fn new(status: u16, reason: &'static str) -> Refusal {
        Refusal { status, reason }
    }

    /// The whole answer.
    pub fn answer(&self) -> Vec<u8> {
        canned(self.status, self.reason, &[])
    }
}

/// 500 for a signal handler: ready bytes, without a date.
pub const INTERNAL_ERROR: &[u8] = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\n\
Content-Length: 35\r\nConnection: close\r\n\r\nThe app failed while it was asked.\n";

/// 504 for whoever must not allocate: ready bytes, without a date.
pub const GATEWAY_TIMEOUT: &[u8] = b"HTTP/1.1 504 Gateway Timeout\r\nContent-Type: text/plain; charset=utf-8\r\n\
Content-Length: 33\r\nConnection: close\r\n\r\nThe app took too long to answer.\n";

/// `100 Continue`, for a client that waits with its body.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A whole answer with `sentence` as its text, after which the connection is closed.
pub fn canned(status: u16, sentence: &str, extra_headers: &[(&str, &str)]) -> Vec<u8> {
    canned_at(SystemTime::now(), status, sentence, extra_headers)
}

/// As [`canned`], at a given time.
pub fn canned_at(now: SystemTime, status: u16, sentence: &str, extra_headers: &[(&str, &str)]) -> Vec<u8> {
    use std::io::Write;
    let mut answer = Vec::with_capacity(256 + sentence.len());
    let reason = prefork::reason(status);
    // Writing into memory does not fail.
    let _ = write!(answer, "HTTP/1.1 {status} {reason}\r\nDate: ");
    answer.extend_from_slice(&date::text(now));
    let _ = write!(answer, "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n", sentence.len() + 1);
    for (name, value) in extra_headers {
        let _ = write!(answer, "{name}: {value}\r\n");
    }
    let _ = write!(answer, "Connection: close\r\n\r\n{sentence}\n");
    answer
}

/// Takes the body off a whole answer, for a client that asked with HEAD.
pub fn without_body(answer: &mut Vec<u8>) {
    if let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
        answer.truncate(end + 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    /// Status, length by the header, and body of an answer.
    fn read(answer: &[u8]) -> (u16, usize, String) {
        let mut slots = [httparse::EMPTY_HEADER; 8];
        let mut response = httparse::Response::new(&mut slots);
        let len = response.parse(answer).unwrap().unwrap();
        let header = |name: &str| {
            let found = response.headers.iter().find(|header| header.name == name);
            String::from_utf8(found.unwrap_or_else(|| panic!("no {name}")).value.to_vec()).unwrap()
        };
        assert_eq!(header("Connection"), "close");
        let length = header("Content-Length").parse().unwrap();
        (response.code.unwrap(), length, String::from_utf8(answer[len..].to_vec()).unwrap())
    }

    #[test]
    fn a_refusal_is_a_whole_answer() {
        let at = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let answer = canned_at(at, 503, "All threads are busy.", &[("Retry-After", "1")]);
        let expected = "HTTP/1.1 503 Service Unavailable\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
            Content-Type: text/plain; charset=utf-8\r\nContent-Length: 22\r\nRetry-After: 1\r\n\
            Connection: close\r\n\r\nAll threads are busy.\n";
        assert_eq!(String::from_utf8(answer).unwrap(), expected);
        let refusal = Refusal::new(400, "It is malformed.");
        assert_eq!(read(&refusal.answer()), (400, 17, "It is malformed.\n".into()));
        assert_eq!(refusal.to_string(), "400: It is malformed.");
    }

    #[test]
    fn ready_answers_are_as_long_as_they_say() {
        for (answer, status) in [(INTERNAL_ERROR, 500), (GATEWAY_TIMEOUT, 504)] {
            let (code, length, body) = read(answer);
            assert_eq!((code, length), (status, body.len()));
        }
    }

    #[test]
    fn an_answer_to_head_has_no_body_but_its_length() {
        let mut answer = canned(404, "There is nothing.", &[]);
        without_body(&mut answer);
        assert_eq!(read(&answer), (404, 18, String::new()));
    }
}
