//! What headers mean for the connection: where the body ends, whether it goes on, whether the client waits.

use super::refusal::Refusal;
use super::request::{Framing, Span};
use super::target;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Meaning {
    pub framing: Framing,
    pub keep_alive: bool,
    pub expects_continue: bool,
}

const HOST: Refusal = Refusal::new(400, "A request of HTTP/1.1 has exactly one Host header.");
const HOST_VALUE: Refusal = Refusal::new(400, "The Host header is not a name or address.");
const LENGTH: Refusal = Refusal::new(400, "Content-Length is not a plain number, or is there twice.");
const BOTH: Refusal = Refusal::new(400, "Content-Length and Transfer-Encoding are not sent together.");
const CODING: Refusal = Refusal::new(400, "Transfer-Encoding is not one `chunked` at its end.");
const CODING_1_0: Refusal = Refusal::new(400, "HTTP/1.0 has no Transfer-Encoding.");
const OTHER_CODING: Refusal = Refusal::new(501, "Only the transfer coding `chunked` is understood here.");
const EXPECT: Refusal = Refusal::new(417, "Only `100-continue` can be expected here.");
pub(super) const TOO_LARGE: Refusal = Refusal::new(413, "The body of the request is too large.");

/// Reads the headers that say it. `most` is the largest body in bytes, 0 for any.
pub(super) fn judge(buf: &[u8], headers: &[(Span, Span)], minor: u8, most: u64) -> Result<Meaning, Refusal> {
    let mut hosts = 0;
    let mut length = None;
    let mut coding = Coding::default();
    let (mut close, mut keep) = (false, false);
    let mut expects = false;
    for (name, value) in headers {
        // Few names have these lengths, so most headers cost one comparison.
        if !matches!(name.len, 4 | 6 | 10 | 14 | 17) {
            continue;
        }
        let (name, value) = (name.get(buf), value.get(buf));
        if name.eq_ignore_ascii_case(b"host") {
            hosts += 1;
            if !target::is_authority(value) {
                return Err(HOST_VALUE);
            }
        } else if name.eq_ignore_ascii_case(b"connection") {
            for token in tokens(value) {
                close |= token.eq_ignore_ascii_case(b"close");
                keep |= token.eq_ignore_ascii_case(b"keep-alive");
            }
        } else if name.eq_ignore_ascii_case(b"content-length") {
            if length.replace(number(value)?).is_some() {
                return Err(LENGTH);
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            coding.add(value)?;
        } else if name.eq_ignore_ascii_case(b"expect") && minor > 0 {
            if !value.eq_ignore_ascii_case(b"100-continue") {
                return Err(EXPECT);
            }
            expects = true;
        }
    }
    if hosts > 1 || (hosts == 0 && minor > 0) {
        return Err(HOST);
    }
    let framing = plan_framing(length, &coding, minor, most)?;
    let keep_alive = !close && (minor > 0 || keep);
    Ok(Meaning { framing, keep_alive, expects_continue: expects && framing != Framing::None })
}

fn plan_framing(length: Option<u64>, coding: &Coding, minor: u8, most: u64) -> Result<Framing, Refusal> {
    match (length, coding.given) {
        (Some(_), true) => Err(BOTH),
        (None, true) if minor == 0 => Err(CODING_1_0),
        (None, true) if !coding.chunked => Err(CODING),
        (None, true) if coding.other => Err(OTHER_CODING),
        (None, true) => Ok(Framing::Chunked),
        (Some(length), false) if most > 0 && length > most => Err(TOO_LARGE),
        (None | Some(0), false) => Ok(Framing::None),
        (Some(length), false) => Ok(Framing::Length(length)),
    }
}

/// Transfer codings, over all headers of that name.
#[derive(Default)]
struct Coding {
    given: bool,
    /// The last one is `chunked`.
    chunked: bool,
    /// There are others before it.
    other: bool,
}

impl Coding {
    fn add(&mut self, value: &[u8]) -> Result<(), Refusal> {
        self.given = true;
        for token in tokens(value) {
            // Whatever follows `chunked`, or stands empty between commas, others may read in another way.
            if self.chunked || token.is_empty() {
                return Err(CODING);
            }
            self.chunked = token.eq_ignore_ascii_case(b"chunked");
            self.other |= !self.chunked;
        }
        Ok(())
    }
}

/// The members of a list, without the blanks around them.
fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim)
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// A Content-Length: digits and nothing else. What no counter holds is too large rather than malformed.
pub(super) fn number(value: &[u8]) -> Result<u64, Refusal> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(LENGTH);
    }
    let mut sum = 0u64;
    for digit in value {
        let next = sum.checked_mul(10).and_then(|sum| sum.checked_add(u64::from(digit - b'0')));
        sum = next.filter(|sum| *sum <= i64::MAX as u64).ok_or(TOO_LARGE)?;
    }
    Ok(sum)
}
