//! The path of a request as the app sees it: decoded, without `.` and `..`.
//!
//! Dots are resolved after decoding, so that `/%2e%2e/x` cannot climb either. (uWSGI resolves before, and hands such
//! a path on as `/../x`.) A slash that was written as `%2F` is a slash like others. Decoding is done once: `%252e`
//! is `%2e`.

use super::refusal::Refusal;

const MALFORMED: Refusal = Refusal::new(400, "The path has a percent sign without two hex digits.");
const NUL: Refusal = Refusal::new(400, "The path has a zero byte.");

/// Appends the path meant by `raw` to `out`.
pub fn append_decoded(raw: &[u8], out: &mut Vec<u8>) -> Result<(), Refusal> {
    let start = out.len();
    let mut dots = false;
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        out.extend_from_slice(&rest[..at]);
        let [high, low, ..] = rest[at + 1..] else { return Err(MALFORMED) };
        let (Some(high), Some(low)) = (hex(high), hex(low)) else { return Err(MALFORMED) };
        match high << 4 | low {
            0 => return Err(NUL),
            byte => out.push(byte),
        }
        rest = &rest[at + 3..];
    }
    out.extend_from_slice(rest);
    for pair in out[start..].windows(2) {
        dots |= pair == b"/.";
    }
    if dots {
        let len = resolve_dots(&mut out[start..]);
        out.truncate(start + len);
    }
    Ok(())
}

/// Resolves `.` and `..` segments of a path in place; how many bytes are left. Nothing climbs above the root.
fn resolve_dots(path: &mut [u8]) -> usize {
    let mut read = 0;
    let mut written = 0;
    while read < path.len() {
        // Each round takes a slash (or the very beginning) and the segment after it.
        let segment = read + usize::from(path[read] == b'/');
        let end = path[segment..].iter().position(|byte| *byte == b'/').map_or(path.len(), |at| segment + at);
        let last = end == path.len();
        match &path[segment..end] {
            b"." | b".." => {
                if end - segment == 2 {
                    written = path[..written].iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                }
                // `/a/.` is the folder `/a/`.
                if last {
                    path[written] = b'/';
                    written += 1;
                }
            }
            _ => {
                path.copy_within(read..end, written);
                written += end - read;
            }
        }
        read = end;
    }
    written
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(raw: &[u8]) -> Result<Vec<u8>, u16> {
        // What stands before is none of its business.
        let mut out = b"/before/..".to_vec();
        append_decoded(raw, &mut out).map_err(|refusal| refusal.status)?;
        Ok(out.strip_prefix(b"/before/..").unwrap().to_vec())
    }

    #[test]
    fn paths_are_decoded_and_resolved() {
        for (raw, path) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("*", "*"),
            ("/a%20b%2Fc", "/a b/c"),
            ("/%C3%A4", "/ä"),
            ("/a+b", "/a+b"),
            ("/.", "/"),
            ("/..", "/"),
            ("/./", "/"),
            ("/../", "/"),
            ("/../../x", "/x"),
            ("/a/..", "/"),
            ("/a/.", "/a/"),
            ("/a/./b", "/a/b"),
            ("/a/b/../c", "/a/c"),
            ("/a/b/../../../c", "/c"),
            ("/a//../b", "/a/b"),
            ("//a//b/", "//a//b/"),
            ("/%2e%2e/x", "/x"),
            ("/a/%2E%2e/%2e/x", "/x"),
            ("/a%2f..%2fb", "/b"),
            ("/..%2f..%2fetc/passwd", "/etc/passwd"),
            ("/%252e%252e/x", "/%2e%2e/x"),
            ("/...", "/..."),
            ("/.a/..b/c..", "/.a/..b/c.."),
            ("/.well-known/x", "/.well-known/x"),
        ] {
            assert_eq!(decoded(raw.as_bytes()), Ok(path.as_bytes().to_vec()), "{raw}");
        }
        assert_eq!(decoded(b"/%ff"), Ok(b"/\xff".to_vec()));
    }

    #[test]
    fn paths_that_mean_nothing_are_refused() {
        for raw in ["/%", "/%2", "/%zz", "/%2g", "/%+1", "/a%", "/%%20", "/%00", "/a%00.html", "/%u002e"] {
            assert_eq!(decoded(raw.as_bytes()), Err(400), "{raw}");
        }
    }

    /// The same, said by segments.
    fn plainly(path: &str) -> String {
        let mut kept: Vec<&str> = Vec::new();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        for (at, segment) in segments.iter().enumerate() {
            let last = at + 1 == segments.len();
            match *segment {
                "." | ".." => {
                    if *segment == ".." {
                        kept.pop();
                    }
                    if last {
                        kept.push("");
                    }
                }
                segment => kept.push(segment),
            }
        }
        format!("/{}", kept.join("/"))
    }

    proptest! {
        #[test]
        fn dots_are_resolved_as_by_segments(
            segments in prop::collection::vec(prop::sample::select(vec![".", "..", "a", "bc", "", "...", ".x"]), 1..9),
        ) {
            let raw = format!("/{}", segments.join("/"));
            prop_assert_eq!(decoded(raw.as_bytes()), Ok(plainly(&raw).into_bytes()));
            let hidden = raw.replace('.', "%2e");
            prop_assert_eq!(decoded(hidden.as_bytes()), Ok(plainly(&raw).into_bytes()));
        }

        #[test]
        fn no_path_climbs(raw in prop::collection::vec(prop::sample::select(b"/.%2eEfFa0".to_vec()), 0..30)) {
            let raw = [b"/", &raw[..]].concat();
            if let Ok(path) = decoded(&raw) {
                prop_assert!(path.starts_with(b"/"));
                prop_assert!(path.split(|byte| *byte == b'/').all(|segment| segment != b".." && segment != b"."));
            }
        }
    }
}
