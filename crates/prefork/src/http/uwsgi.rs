//! A request in uWSGI's own protocol: a packet of variables, then the body as it is.
//!
//! ```text
//! modifier1 u8 │ size u16 LE │ modifier2 u8 │ size bytes of (length u16 LE, name, length u16 LE, value)…
//! ```
//! The answer is one of HTTP/1.0: nginx takes it by its Content-Length or to the end of the connection, and does not
//! take chunks apart.

use super::framing;
use super::refusal::Refusal;
use super::request::{Framing, Head, Limits, Parsed, Span};
use super::target;
use super::vars::Vars;

/// Bytes before the variables.
const PREFIX: usize = 4;
/// Variables that a front server adds to the headers.
const BESIDE_HEADERS: usize = 64;

const MALFORMED: Refusal = Refusal::new(400, "The packet of the uwsgi protocol is malformed.");
const TOO_LARGE: Refusal = Refusal::new(431, "The variables of the request are too large.");

/// Reads the packet at the beginning of `buf` into `vars`, and into `head` what follows from them: there are no
/// headers in it, its spans are places in `buf`, and `minor` is 0 whatever the client spoke.
pub fn parse(buf: &[u8], limits: &Limits, head: &mut Head, vars: &mut Vars) -> Result<Parsed, Refusal> {
    if buf.first().is_some_and(|modifier| *modifier != 0) {
        return Err(Refusal::new(400, "Only the uwsgi protocol with modifier 0 is spoken here."));
    }
    let [_, low, high, _, ..] = *buf else { return Ok(Parsed::Partial) };
    let len = PREFIX + usize::from(u16::from_le_bytes([low, high]));
    if len > limits.head_bytes {
        return Err(TOO_LARGE);
    }
    if buf.len() < len {
        return Ok(Parsed::Partial);
    }
    *head = Head { len, headers: std::mem::take(&mut head.headers), ..Head::default() };
    head.headers.clear();
    read_vars(&buf[..len], limits, head, vars)?;
    complete(buf, limits, head, vars)?;
    Ok(Parsed::Complete)
}

fn read_vars(packet: &[u8], limits: &Limits, head: &mut Head, vars: &mut Vars) -> Result<(), Refusal> {
    vars.clear();
    let mut at = PREFIX;
    while at < packet.len() {
        let name = text(packet, &mut at)?;
        let value = text(packet, &mut at)?;
        match name.get(packet) {
            b"" => return Err(MALFORMED),
            // A client's `Proxy` header, which libraries would take for a setting.
            b"HTTP_PROXY" => continue,
            b"REQUEST_METHOD" => head.method = value,
            b"REQUEST_URI" => head.target = value,
            b"CONTENT_LENGTH" if vars.get("CONTENT_LENGTH").is_some() => return Err(MALFORMED),
            _ => {}
        }
        if vars.len() >= limits.headers.saturating_add(BESIDE_HEADERS) {
            return Err(TOO_LARGE);
        }
        vars.push(name.get(packet), value.get(packet));
    }
    Ok(())
}

/// What is needed and was not said follows from the rest.
fn complete(buf: &[u8], limits: &Limits, head: &mut Head, vars: &mut Vars) -> Result<(), Refusal> {
    if head.method.len == 0 {
        return Err(Refusal::new(400, "The packet of the uwsgi protocol has no REQUEST_METHOD."));
    }
    head.is_head = head.method.get(buf) == b"HEAD";
    let split = target::split(head.target.get(buf));
    if !vars.adopt_path() {
        vars.push_path(split.path)?;
    }
    for (name, value) in [("QUERY_STRING", split.query), ("SCRIPT_NAME", &b""[..])] {
        if vars.get(name).is_none() {
            vars.push(name.as_bytes(), value);
        }
    }
    head.framing = match vars.get("CONTENT_LENGTH") {
        None | Some(b"") => Framing::None,
        Some(length) => match framing::number(length)? {
            0 => Framing::None,
            length if limits.body_bytes > 0 && length > limits.body_bytes => return Err(framing::TOO_LARGE),
            length => Framing::Length(length),
        },
    };
    Ok(())
}

/// The text at `at`, which goes on to behind it.
fn text(packet: &[u8], at: &mut usize) -> Result<Span, Refusal> {
    let [low, high, ..] = packet[*at..] else { return Err(MALFORMED) };
    let start = *at + 2;
    let end = start + usize::from(u16::from_le_bytes([low, high]));
    if end > packet.len() {
        return Err(MALFORMED);
    }
    *at = end;
    Ok(Span::new(start..end))
}

#[cfg(test)]
mod tests;
