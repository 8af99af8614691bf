//! What is looked at of a request.

use std::fmt;

/// A request, as far as files are concerned.
pub struct FileRequest<'a> {
    /// `GET`, `HEAD`; others are the app's.
    pub method: &'a [u8],
    /// The path, percent-decoded, before mount points of apps are cut off.
    pub path: &'a [u8],
    /// What stood behind the question mark, as it came.
    pub query: &'a [u8],
    /// A header by its name in lower case.
    pub headers: &'a dyn Fn(&str) -> Option<&'a [u8]>,
    /// Is told, for the log, why something that is there is not served.
    pub say: &'a dyn Fn(&str),
}

impl<'a> FileRequest<'a> {
    /// The value of a header, unless it is no text.
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        (self.headers)(name).and_then(|value| std::str::from_utf8(value).ok()).map(str::trim)
    }

    pub(super) fn tell(&self, why: &str) {
        (self.say)(why);
    }
}

impl fmt::Debug for FileRequest<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("FileRequest")
            .field("method", &self.method.escape_ascii().to_string())
            .field("path", &self.path.escape_ascii().to_string())
            .finish_non_exhaustive()
    }
}
