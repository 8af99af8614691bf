//! Lines of an ini: sections, comments, keys and values. Nothing is expanded here.

/// A line that says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// `[name]`
    Section(&'a str),
    /// `key = value`; a line without `=` has an empty value.
    Pair {
        /// Without blanks around it.
        key: &'a str,
        /// Without blanks around it.
        value: &'a str,
        /// Column of the key, from 1, in characters.
        key_column: u32,
        /// Column of the value; of the line's end when there is none.
        value_column: u32,
    },
    /// Begins with `[` and does not end with `]`.
    BrokenSection,
}

/// What is cut off around keys and values.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r')
}

/// Reads one line. None: it is empty or a comment.
pub(super) fn line(text: &str) -> Option<Line<'_>> {
    let trimmed = text.trim_matches(is_blank);
    if trimmed.is_empty() || trimmed.starts_with([';', '#']) {
        return None;
    }
    if let Some(name) = trimmed.strip_prefix('[') {
        return Some(name.strip_suffix(']').map_or(Line::BrokenSection, Line::Section));
    }
    let (key, value) = trimmed.split_once('=').unwrap_or(trimmed.split_at(trimmed.len()));
    let (key, value) = (key.trim_matches(is_blank), value.trim_matches(is_blank));
    Some(Line::Pair { key, value, key_column: column(text, key), value_column: column(text, value) })
}

/// Where `part`, a slice of `text`, begins.
fn column(text: &str, part: &str) -> u32 {
    let offset = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len());
    text.get(..offset).map_or(1, |before| before.chars().count() as u32 + 1)
}

/// The value before a comment behind it, if somebody wrote one: ` ;` or ` #`. uWSGI has no such comments.
pub(super) fn before_inline_comment(value: &str) -> Option<&str> {
    let mut previous_blank = false;
    for (index, c) in value.char_indices() {
        if previous_blank && matches!(c, ';' | '#') {
            return Some(value[..index].trim_matches(is_blank));
        }
        previous_blank = is_blank(c);
    }
    None
}

/// Cuts blanks as the lexer does.
pub(super) fn trim(value: &str) -> &str {
    value.trim_matches(is_blank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_uwsgi_reads_them() {
        let pair = |key, value, key_column, value_column| Some(Line::Pair { key, value, key_column, value_column });
        assert_eq!(line("  threads =  10\t\r"), pair("threads", "10", 3, 14));
        assert_eq!(line("master"), pair("master", "", 1, 7));
        assert_eq!(line("env = A=B = C"), pair("env", "A=B = C", 1, 7));
        assert_eq!(line("é = \"x\""), pair("é", "\"x\"", 1, 5));
        assert_eq!(line("= x"), pair("", "x", 1, 3));
        assert_eq!(line(" [uwsgi] "), Some(Line::Section("uwsgi")));
        assert_eq!(line("[uwsgi"), Some(Line::BrokenSection));
        assert_eq!(line("  ; threads = 10"), None);
        assert_eq!(line("# x"), None);
        assert_eq!(line(" \t\r"), None);
    }

    #[test]
    fn comments_behind_values_are_seen() {
        assert_eq!(before_inline_comment("true ; always"), Some("true"));
        assert_eq!(before_inline_comment("10\t# ten"), Some("10"));
        assert_eq!(before_inline_comment("a;b#c"), None);
        assert_eq!(before_inline_comment("; x"), None);
    }
}
