//! What the app is told of a request: variables named as in CGI, all in one piece of memory that is used again.
//!
//! Differences to uWSGI: the path is decoded before its dots are resolved ([`super::path`]); headers whose names have
//! an underscore are dropped, for `X_User` and `X-User` would be the same variable; so is `Proxy`, for `HTTP_PROXY`
//! means something else to libraries; and where the target is a whole address, HTTP_HOST is the host in it.

use super::mount::Mounts;
use super::path;
use super::refusal::Refusal;
use super::request::{Framing, Head, MOST_HEADERS, Span};
use super::target;
use super::wire::decimal;

/// What is known of a request beside its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The name of the machine.
    pub server_name: &'a str,
    /// What stands after the last colon of the address listened on.
    pub server_port: &'a str,
    /// The client's address, without a port; empty where it has none.
    pub remote_addr: &'a str,
    /// The client's port, where that is told.
    pub remote_port: Option<u16>,
    /// The connection is encrypted.
    pub https: bool,
    /// `http` or `https`, where a proxy in front says it.
    pub scheme: Option<&'a str>,
}

/// Variables in the order in which they were put in.
#[derive(Clone, Debug, Default)]
pub struct Vars {
    arena: Vec<u8>,
    pairs: Vec<(Span, Span)>,
    /// The path, also after its mount point was cut off PATH_INFO.
    path: Span,
}

impl Vars {
    /// Forgets all variables and keeps the memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.pairs.clear();
        self.path = Span::default();
    }

    /// Puts a variable at the end.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        let name = self.store(name);
        let value = self.store(value);
        self.pairs.push((name, value));
    }

    /// Number of variables.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Names and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.pairs.iter().map(|(name, value)| (name.get(&self.arena), value.get(&self.arena)))
    }

    /// The value of the first variable of this name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.place_of(name).map(|place| self.pairs[place].1.get(&self.arena))
    }

    /// Appends names and values to `into`. See [`recycle`] for a vector that is used again.
    pub fn as_pairs<'a>(&'a self, into: &mut Vec<(&'a [u8], &'a [u8])>) {
        into.extend(self.iter());
    }

    /// The whole path, decoded and resolved, whatever is mounted.
    pub fn path(&self) -> &[u8] {
        self.path.get(&self.arena)
    }

    /// Becomes the variables of a request of HTTP; refused when the path cannot be decoded.
    pub fn fill(&mut self, head: &Head, buf: &[u8], facts: &Facts<'_>) -> Result<(), Refusal> {
        self.clear();
        let raw = head.target.get(buf);
        let target = target::split(raw);
        self.push(b"REQUEST_METHOD", head.method.get(buf));
        self.push_path(target.path)?;
        self.push(b"REQUEST_URI", raw);
        self.push(b"QUERY_STRING", target.query);
        self.push(b"SERVER_PROTOCOL", if head.minor == 0 { b"HTTP/1.0" } else { b"HTTP/1.1" });
        self.push(b"SCRIPT_NAME", b"");
        self.push(b"SERVER_NAME", facts.server_name.as_bytes());
        self.push(b"SERVER_PORT", facts.server_port.as_bytes());
        self.push(b"REMOTE_ADDR", facts.remote_addr.as_bytes());
        if let Some(port) = facts.remote_port {
            let mut digits = [0; 20];
            self.push(b"REMOTE_PORT", decimal(u64::from(port), &mut digits));
        }
        if facts.https {
            self.push(b"HTTPS", b"on");
        }
        if let Some(scheme) = facts.scheme {
            self.push(b"REQUEST_SCHEME", scheme.as_bytes());
        }
        self.push_headers(head, buf, target.authority);
        Ok(())
    }

    /// Finds the app of the request; `manage` moves its mount point from PATH_INFO to SCRIPT_NAME. A request that
    /// came with a SCRIPT_NAME belongs to the app mounted there, and nothing is moved.
    pub fn mount(&mut self, mounts: &Mounts, manage: bool) -> Option<usize> {
        if let Some(script) = self.get("SCRIPT_NAME").filter(|script| !script.is_empty()) {
            return mounts.find(script).map(|(number, _)| number);
        }
        let (number, point) = mounts.find(self.path())?;
        if manage && !point.is_empty() {
            let (start, end) = (self.path.start as usize, self.path.end());
            let cut = start + point.len();
            self.replace("SCRIPT_NAME", Span::new(start..cut));
            self.replace("PATH_INFO", Span::new(cut..end));
        }
        Some(number)
    }

    /// Says how long the body is, once a chunked one was gathered.
    pub fn set_content_length(&mut self, length: u64) {
        let mut digits = [0; 20];
        let value = self.store(decimal(length, &mut digits));
        self.replace("CONTENT_LENGTH", value);
    }

    /// Puts PATH_INFO at the end, made from a path as it was written.
    pub(super) fn push_path(&mut self, raw: &[u8]) -> Result<(), Refusal> {
        let name = self.store(b"PATH_INFO");
        let start = self.arena.len();
        path::append_decoded(raw, &mut self.arena)?;
        self.path = Span::new(start..self.arena.len());
        self.pairs.push((name, self.path));
        Ok(())
    }

    /// Takes the PATH_INFO that is there for the path.
    pub(super) fn adopt_path(&mut self) -> bool {
        let place = self.place_of("PATH_INFO");
        self.path = place.map_or(Span::default(), |place| self.pairs[place].1);
        place.is_some()
    }

    fn push_headers(&mut self, head: &Head, buf: &[u8], authority: Option<&[u8]>) {
        let mut joined = Joined::default();
        let mut host = authority;
        for (at, (name, value)) in head.headers.iter().enumerate() {
            let name = name.get(buf);
            if name.contains(&b'_') || name.eq_ignore_ascii_case(b"proxy") || joined.has(at) {
                continue;
            }
            if name.eq_ignore_ascii_case(b"content-length") && head.framing == Framing::Chunked {
                continue;
            }
            let key = self.store_key(name);
            let start = self.arena.len();
            match host {
                Some(authority) if name.eq_ignore_ascii_case(b"host") => {
                    self.arena.extend_from_slice(authority);
                    host = None;
                }
                _ => self.arena.extend_from_slice(value.get(buf)),
            }
            let between: &[u8] = if name.eq_ignore_ascii_case(b"cookie") { b"; " } else { b", " };
            for (later, (other, value)) in head.headers.iter().enumerate().skip(at + 1) {
                if other.len as usize == name.len() && other.get(buf).eq_ignore_ascii_case(name) {
                    self.arena.extend_from_slice(between);
                    self.arena.extend_from_slice(value.get(buf));
                    joined.put(later);
                }
            }
            self.pairs.push((key, Span::new(start..self.arena.len())));
        }
        if let Some(authority) = host {
            self.push(b"HTTP_HOST", authority);
        }
    }

    /// The variable's name for a header's.
    fn store_key(&mut self, name: &[u8]) -> Span {
        let start = self.arena.len();
        if !name.eq_ignore_ascii_case(b"content-type") && !name.eq_ignore_ascii_case(b"content-length") {
            self.arena.extend_from_slice(b"HTTP_");
        }
        self.arena.extend(name.iter().map(|byte| if *byte == b'-' { b'_' } else { byte.to_ascii_uppercase() }));
        Span::new(start..self.arena.len())
    }

    fn store(&mut self, bytes: &[u8]) -> Span {
        let start = self.arena.len();
        self.arena.extend_from_slice(bytes);
        Span::new(start..self.arena.len())
    }

    fn place_of(&self, name: &str) -> Option<usize> {
        self.pairs.iter().position(|(key, _)| key.get(&self.arena) == name.as_bytes())
    }

    fn replace(&mut self, name: &str, value: Span) {
        match self.place_of(name) {
            Some(place) => self.pairs[place].1 = value,
            None => {
                let name = self.store(name.as_bytes());
                self.pairs.push((name, value));
            }
        }
    }
}

/// Which headers were already joined to an earlier one.
#[derive(Default)]
struct Joined([u64; MOST_HEADERS / 64]);

impl Joined {
    fn has(&self, at: usize) -> bool {
        self.0[at / 64] & (1 << (at % 64)) != 0
    }

    fn put(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }
}

/// Empties a vector of pairs and lets it hold those of another request: the memory stays, the lifetime changes.
pub fn recycle<'b>(mut pairs: Vec<(&[u8], &[u8])>) -> Vec<(&'b [u8], &'b [u8])> {
    pairs.clear();
    pairs.into_iter().map(|_| -> (&'b [u8], &'b [u8]) { (&[], &[]) }).collect()
}

#[cfg(test)]
mod tests;
