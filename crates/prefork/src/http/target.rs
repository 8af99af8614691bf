//! The target of a request: a path, a whole address, or `*`.

use super::refusal::Refusal;

/// A target in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Host and port of a whole address (`http://host:port/path`); such a target says more than `Host`.
    pub authority: Option<&'a [u8]>,
    /// The path as it was written, up to a `?` or `#`; `*` where the whole server is meant.
    pub path: &'a [u8],
    /// What stands after the first `?`; empty when there is none.
    pub query: &'a [u8],
}

/// Refuses targets that no request to a server of its own has.
pub fn check(method: &[u8], target: &[u8]) -> Result<(), Refusal> {
    if method == b"CONNECT" {
        return Err(Refusal::new(501, "CONNECT is not offered here."));
    }
    match target {
        [b'/', ..] => Ok(()),
        b"*" if method == b"OPTIONS" => Ok(()),
        _ => match after_scheme(target) {
            Some(rest) if is_authority(authority_of(rest)) && !authority_of(rest).is_empty() => Ok(()),
            _ => Err(Refusal::new(400, "The target of the request is neither a path nor an address of HTTP.")),
        },
    }
}

/// Takes a target apart that [`check`] let pass.
pub fn split(target: &[u8]) -> Target<'_> {
    let (authority, rest) = match target.first() {
        Some(b'/' | b'*') | None => (None, target),
        Some(_) => {
            let rest = after_scheme(target).unwrap_or(target);
            let authority = authority_of(rest);
            (Some(authority), &rest[authority.len()..])
        }
    };
    let (path, query) = match rest.iter().position(|byte| *byte == b'?') {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, &rest[rest.len()..]),
    };
    let path = path.iter().position(|byte| *byte == b'#').map_or(path, |at| &path[..at]);
    Target { authority, path: if path.is_empty() { b"/" } else { path }, query }
}

/// Whether this may stand in `Host`: a name or address with or without a port, or nothing.
pub(crate) fn is_authority(text: &[u8]) -> bool {
    text.iter().all(|byte| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'.' | b'-' | b':' | b'_' | b'[' | b']' | b'%' | b'~')
            || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b';' | b'=')
    })
}

fn after_scheme(target: &[u8]) -> Option<&[u8]> {
    let at = target.iter().position(|byte| *byte == b':')?;
    let (scheme, rest) = target.split_at(at);
    let known = scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
    if known { rest.strip_prefix(b"://") } else { None }
}

fn authority_of(rest: &[u8]) -> &[u8] {
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    &rest[..end.unwrap_or(rest.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_taken_apart() {
        let parts = |target: &'static str| {
            let Target { authority, path, query } = split(target.as_bytes());
            let text = |bytes| std::str::from_utf8(bytes).unwrap();
            (authority.map(text), text(path), text(query))
        };
        assert_eq!(parts("/"), (None, "/", ""));
        assert_eq!(parts("/a/b?c=d?e"), (None, "/a/b", "c=d?e"));
        assert_eq!(parts("/a?"), (None, "/a", ""));
        assert_eq!(parts("/a#b?c"), (None, "/a", "c"));
        assert_eq!(parts("/a:b//c"), (None, "/a:b//c", ""));
        assert_eq!(parts("*"), (None, "*", ""));
        assert_eq!(parts("http://h:1/a?b"), (Some("h:1"), "/a", "b"));
        assert_eq!(parts("HTTP://h"), (Some("h"), "/", ""));
        assert_eq!(parts("https://h?b"), (Some("h"), "/", "b"));
        assert_eq!(parts("http://h#x"), (Some("h"), "/", ""));
    }
}
