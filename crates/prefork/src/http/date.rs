//! The text of a `Date` header.

use httpdate::HttpDate;
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Such as `Tue, 15 Nov 1994 08:12:31 GMT`.
pub type DateText = [u8; 29];

/// The last second that HTTP's form of a date can say: the end of the year 9999.
const LAST: u64 = 253_402_300_799;

/// The text for a moment.
pub fn text(at: SystemTime) -> DateText {
    text_of(second_of(at))
}

fn second_of(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()).min(LAST)
}

fn text_of(second: u64) -> DateText {
    let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    // Always 29 bytes: nothing is left over, nothing is cut off.
    let _ = write!(&mut text[..], "{}", HttpDate::from(UNIX_EPOCH + Duration::from_secs(second)));
    text
}

/// The text of the current second, made once for each second.
#[derive(Clone, Debug)]
pub struct DateCache {
    second: u64,
    text: DateText,
}

impl Default for DateCache {
    fn default() -> DateCache {
        DateCache { second: 0, text: text_of(0) }
    }
}

impl DateCache {
    /// The text for `now`.
    pub fn at(&mut self, now: SystemTime) -> &DateText {
        let second = second_of(now);
        if second != self.second {
            (self.second, self.text) = (second, text_of(second));
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(second)
    }

    #[test]
    fn dates_are_those_of_http() {
        assert_eq!(&text(at(784_111_777)), b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(&text(at(LAST)), b"Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(text(at(LAST + 1)), text(at(LAST)));
        assert_eq!(text(UNIX_EPOCH - Duration::from_secs(1)), text(at(0)));
    }

    #[test]
    fn a_cache_follows_the_clock_both_ways() {
        let mut cache = DateCache::default();
        for second in [0, 784_111_777, 784_111_777, 784_111_778, 5] {
            assert_eq!(*cache.at(at(second) + Duration::from_millis(999)), text(at(second)));
        }
    }
}
