//! Whether a client has the file already, and whether its range is of this state of it.

use super::etag;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Whether 304 is the answer. If-None-Match decides alone where it is given.
pub fn unchanged(
    if_none_match: Option<&str>,
    if_modified_since: Option<&str>,
    tag: &str,
    modified: SystemTime,
) -> bool {
    match (if_none_match, if_modified_since) {
        (Some(list), _) => etag::listed(list, tag),
        (None, Some(date)) => httpdate::parse_http_date(date).is_ok_and(|since| whole_seconds(modified) <= since),
        (None, None) => false,
    }
}

/// Whether a range may be answered: without If-Range always, else when it names precisely this state.
pub fn range_holds(if_range: Option<&str>, tag: &str, modified: SystemTime) -> bool {
    match if_range {
        None => true,
        Some(given) if given.starts_with('"') => given == tag,
        // A weak tag is no date either.
        Some(date) => httpdate::parse_http_date(date).is_ok_and(|date| date == whole_seconds(modified)),
    }
}

/// The last second that a date in HTTP can name: the end of the year 9999.
const LAST: u64 = 253_402_300_799;

/// HTTP knows no parts of a second; nor times before 1970 or after 9999, which files may have.
pub fn whole_seconds(time: SystemTime) -> SystemTime {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    UNIX_EPOCH + Duration::from_secs(seconds.min(LAST))
}

/// A date of HTTP for any time.
pub fn date(time: SystemTime) -> String {
    httpdate::fmt_http_date(whole_seconds(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_before_dates() {
        let modified = UNIX_EPOCH + Duration::from_millis(1_000_900);
        let same = httpdate::fmt_http_date(modified);
        let older = httpdate::fmt_http_date(modified - Duration::from_secs(2));
        let case = |tags: Option<&str>, date: Option<&str>| unchanged(tags, date, "\"a\"", modified);
        assert!(case(None, Some(&same)));
        assert!(!case(None, Some(&older)));
        assert!(!case(None, Some("yesterday")));
        assert!(case(Some("\"x\", W/\"a\""), Some(&older)));
        assert!(!case(Some("\"x\""), Some(&same)));
        assert!(case(Some("*"), None));
        assert!(!case(None, None));
    }

    #[test]
    fn every_time_has_a_date() {
        assert_eq!(date(UNIX_EPOCH - Duration::from_secs(5)), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date(UNIX_EPOCH + Duration::from_secs(u64::MAX >> 4)), "Fri, 31 Dec 9999 23:59:59 GMT");
    }

    #[test]
    fn a_range_is_of_one_state() {
        let modified = UNIX_EPOCH + Duration::from_secs(1000);
        let same = httpdate::fmt_http_date(modified);
        let later = httpdate::fmt_http_date(modified + Duration::from_secs(1));
        assert!(range_holds(None, "\"a\"", modified));
        assert!(range_holds(Some("\"a\""), "\"a\"", modified));
        assert!(!range_holds(Some("W/\"a\""), "\"a\"", modified));
        assert!(!range_holds(Some("\"b\""), "\"a\"", modified));
        assert!(range_holds(Some(&same), "\"a\"", modified));
        assert!(!range_holds(Some(&later), "\"a\"", modified));
    }
}
