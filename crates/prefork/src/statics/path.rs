//! Paths of requests, taken apart into segments that cannot lead upwards.

/// A path of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct RequestPath<'a> {
    /// Its segments, none of which is empty, `.` or `..`, or holds a NUL.
    pub segments: Vec<&'a [u8]>,
    /// It ends with a slash.
    pub folder: bool,
}

impl<'a> RequestPath<'a> {
    /// Takes a decoded path apart. None where no file can be meant. Repeated slashes count as one.
    pub fn parse(path: &'a [u8]) -> Option<RequestPath<'a>> {
        if path.first() != Some(&b'/') {
            return None;
        }
        let segments = split(path);
        let bad = |segment: &&[u8]| *segment == b".." || segment.contains(&0);
        if segments.iter().any(bad) {
            return None;
        }
        let last = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        Some(RequestPath { segments, folder: last.is_empty() || last == b"." })
    }

    /// The last segment.
    pub fn name(&self) -> &'a [u8] {
        self.segments.last().copied().unwrap_or_default()
    }
}

/// Segments of a path, without empty ones and `.`.
pub fn split(path: &[u8]) -> Vec<&[u8]> {
    path.split(|byte| *byte == b'/').filter(|segment| !segment.is_empty() && *segment != b".").collect()
}

/// One path below another.
pub fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_cleaned_and_the_slash_at_the_end_is_kept() {
        let path = RequestPath::parse(b"//a/./b.txt").unwrap();
        assert_eq!(path.segments, [b"a".as_slice(), b"b.txt"]);
        assert!(!path.folder);
        assert_eq!(path.name(), b"b.txt");
        assert!(RequestPath::parse(b"/a/").unwrap().folder);
        assert!(RequestPath::parse(b"/a/.").unwrap().folder);
        assert_eq!(RequestPath::parse(b"/").unwrap(), RequestPath { segments: vec![], folder: true });
    }

    #[test]
    fn what_leads_upwards_or_is_no_path_is_no_file() {
        for path in ["", "*", "a/b", "/..", "/a/../b", "/a/..", "/a\0b", "http://x/"] {
            assert_eq!(RequestPath::parse(path.as_bytes()), None, "{path:?}");
        }
        assert!(RequestPath::parse(b"/..a/b..").is_some());
    }
}
