//! `static-expires`: how long clients may keep which files.

use super::conditional::date;
use regex::bytes::{Regex, RegexBuilder};
use std::time::{Duration, SystemTime};

/// Patterns and seconds, in the order they were given.
#[derive(Debug, Default)]
pub struct Expires {
    rules: Vec<(Regex, u64)>,
}

impl Expires {
    /// Compiles the patterns. They see bytes: `.` is one byte, and classes know ASCII.
    pub fn compile(rules: &[(String, u64)], problems: &mut Vec<String>) -> Expires {
        let mut compiled = Vec::new();
        for (pattern, seconds) in rules {
            match RegexBuilder::new(pattern).unicode(false).build() {
                Ok(regex) => compiled.push((regex, *seconds)),
                Err(error) => {
                    let what = error.to_string();
                    let last = what.lines().last().unwrap_or_default().trim_start_matches("error: ");
                    problems.push(format!("static-expires = {pattern} {seconds}: {last}"));
                }
            }
        }
        Expires { rules: compiled }
    }

    /// Headers for a file by its whole path; the first pattern that matches counts.
    pub fn headers(&self, path: &[u8], now: SystemTime) -> Vec<(&'static str, String)> {
        let Some((_, seconds)) = self.rules.iter().find(|(regex, _)| regex.is_match(path)) else { return Vec::new() };
        let until = now.checked_add(Duration::from_secs(*seconds)).unwrap_or(now);
        vec![("Cache-Control", format!("max-age={seconds}")), ("Expires", date(until))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn the_first_pattern_counts() {
        let mut problems = Vec::new();
        let rules = [(r"\.css$".to_owned(), 60), (r"^/srv/".to_owned(), 5)];
        let expires = Expires::compile(&rules, &mut problems);
        let css = expires.headers(b"/srv/\xff.css", UNIX_EPOCH);
        assert_eq!(css[0], ("Cache-Control", "max-age=60".to_owned()));
        assert_eq!(css[1], ("Expires", "Thu, 01 Jan 1970 00:01:00 GMT".to_owned()));
        assert_eq!(expires.headers(b"/srv/a.js", UNIX_EPOCH)[0].1, "max-age=5");
        assert!(expires.headers(b"/other/a.js", UNIX_EPOCH).is_empty());
        assert!(problems.is_empty());
    }

    #[test]
    fn a_pattern_that_is_none_is_named() {
        let mut problems = Vec::new();
        Expires::compile(&[("(a".to_owned(), 1), ("(?=x)".to_owned(), 2)], &mut problems);
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[0], "static-expires = (a 1: unclosed group");
        assert!(problems[1].contains("look-around"), "{}", problems[1]);
    }

    #[test]
    fn the_end_of_time_is_no_problem() {
        let expires = Expires::compile(&[(".".to_owned(), u64::MAX)], &mut Vec::new());
        assert_eq!(expires.headers(b"/a", UNIX_EPOCH).len(), 2);
    }
}
