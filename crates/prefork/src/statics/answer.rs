//! What a client is answered.

use super::body::FileBody;
use super::conditional::{self, date};
use super::etag;
use super::path::RequestPath;
use super::range::{self, Wanted};
use super::request::FileRequest;
use super::root::Found;
use nix::errno::Errno;
use std::time::UNIX_EPOCH;

/// An answer, whole but for its body's bytes.
#[derive(Debug)]
pub struct FileAnswer {
    /// 200, 206, 301, 304, 403, 416 or 500.
    pub status: u16,
    /// All headers save Date, Server and Connection. Content-Length is there, except with 304.
    pub headers: Vec<(&'static str, String)>,
    /// What to send. None: nothing, be it a HEAD or a status without a body.
    pub body: Option<FileBody>,
}

impl FileAnswer {
    /// The client is sent to the address with a slash at its end.
    pub(super) fn to_folder(path: &RequestPath<'_>, query: &[u8]) -> FileAnswer {
        // Segments are joined anew: a path that begins with two slashes would name another host.
        let mut location = String::new();
        for segment in &path.segments {
            location.push('/');
            location.extend(segment.iter().map(|byte| escaped(*byte, b"-._~!$&'()*+,;=:@")));
        }
        location.push('/');
        if !query.is_empty() {
            location.push('?');
            location.extend(query.iter().map(|byte| escaped(*byte, b"-._~!$&'()*+,;=:@/?%")));
        }
        FileAnswer::empty(301, vec![("Location", location)])
    }

    /// It is there but cannot be opened: 403 where a right is missing, as nginx says, else 500.
    pub(super) fn refused(errno: Errno) -> FileAnswer {
        let status = if matches!(errno, Errno::EACCES | Errno::EPERM) { 403 } else { 500 };
        FileAnswer::empty(status, Vec::new())
    }

    fn empty(status: u16, mut headers: Vec<(&'static str, String)>) -> FileAnswer {
        headers.push(("Content-Length", "0".to_owned()));
        FileAnswer { status, headers, body: None }
    }
}

/// Decides between all of a file, a part of it, and that the client has it already. `headers` are those of the file.
pub fn for_file(found: Found, mut headers: Vec<(&'static str, String)>, request: &FileRequest<'_>) -> FileAnswer {
    let size = found.facts.len();
    let modified = found.facts.modified().unwrap_or(UNIX_EPOCH);
    let tag = etag::of(&found.facts);
    headers.push(("ETag", tag.clone()));
    headers.push(("Last-Modified", date(modified)));
    headers.push(("Accept-Ranges", "bytes".to_owned()));
    let (none_match, since) = (request.header("if-none-match"), request.header("if-modified-since"));
    if conditional::unchanged(none_match, since, &tag, modified) {
        headers.retain(|(name, _)| !matches!(*name, "Content-Type" | "Content-Encoding" | "Accept-Ranges"));
        return FileAnswer { status: 304, headers, body: None };
    }
    // Ranges are defined for GET only.
    let range = request.header("range").filter(|_| request.method == b"GET");
    let range = range.filter(|_| conditional::range_holds(request.header("if-range"), &tag, modified));
    let (status, offset, length) = match range.map_or(Wanted::Whole, |header| range::plan(header, size)) {
        Wanted::Whole => (200, 0, size),
        Wanted::Part(offset, length) => {
            headers.push(("Content-Range", format!("bytes {offset}-{}/{size}", offset + length - 1)));
            (206, offset, length)
        }
        Wanted::Nothing => return FileAnswer::empty(416, vec![("Content-Range", format!("bytes */{size}"))]),
    };
    headers.push(("Content-Length", length.to_string()));
    let body = (request.method == b"GET" && length > 0).then(|| FileBody::new(found.file, offset, length));
    FileAnswer { status, headers, body }
}

/// A byte of an address: itself where it may stand there, else percent-encoded.
fn escaped(byte: u8, allowed: &[u8]) -> String {
    if byte.is_ascii_alphanumeric() || allowed.contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_a_right_is_403() {
        assert_eq!(FileAnswer::refused(Errno::EACCES).status, 403);
        assert_eq!(FileAnswer::refused(Errno::EMFILE).status, 500);
    }

    #[test]
    fn the_address_of_a_folder_never_names_another_host_nor_ends_a_header() {
        let path = RequestPath::parse("//evil.example/a b\r\nX: ü".as_bytes()).unwrap();
        let answer = FileAnswer::to_folder(&path, b"q=1&r=%20\r\n");
        assert_eq!(answer.headers[0], ("Location", "/evil.example/a%20b%0D%0AX:%20%C3%BC/?q=1&r=%20%0D%0A".to_owned()));
    }
}
