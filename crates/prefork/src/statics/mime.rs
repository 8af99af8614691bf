//! Media types by the ending of a file's name.

use std::collections::HashMap;
use std::path::PathBuf;

/// What is said of a file whose ending nobody knows.
const UNKNOWN: &str = "application/octet-stream";

/// The built-in table, and what files say beyond it.
#[derive(Debug, Default)]
pub struct Types {
    own: HashMap<String, String>,
}

impl Types {
    /// Reads files as `/etc/mime.types`: a type and its endings on each line, `#` begins a comment. Later lines win.
    pub fn read(files: &[PathBuf], problems: &mut Vec<String>) -> Types {
        let mut types = Types::default();
        for file in files {
            match std::fs::read(file) {
                Ok(text) => types.take(&String::from_utf8_lossy(&text), &file.display().to_string(), problems),
                Err(error) => problems.push(format!("mime-file = {}: {error}", file.display())),
            }
        }
        types
    }

    fn take(&mut self, text: &str, file: &str, problems: &mut Vec<String>) {
        for (index, line) in text.lines().enumerate() {
            let mut words = line.split('#').next().unwrap_or_default().split_ascii_whitespace();
            let Some(media) = words.next() else { continue };
            // It goes into a header: visible characters only, and a slash.
            if !media.contains('/') || !media.bytes().all(|byte| byte.is_ascii_graphic()) {
                problems.push(format!("{file}:{}: `{}` is no media type", index + 1, media.escape_debug()));
                continue;
            }
            for ending in words {
                self.own.insert(ending.trim_start_matches('.').to_ascii_lowercase(), media.to_owned());
            }
        }
    }

    /// The type of a file.
    pub fn of(&self, path: &[u8]) -> &str {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let ending = name.iter().rposition(|byte| *byte == b'.').map(|dot| &name[dot + 1..]);
        let Some(ending) = ending.and_then(|ending| std::str::from_utf8(ending).ok()) else { return UNKNOWN };
        match self.own.get(&ending.to_ascii_lowercase()) {
            Some(media) => media,
            None => mime_guess::from_ext(ending).first_raw().unwrap_or(UNKNOWN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_have_types() {
        let types = Types::default();
        assert_eq!(types.of(b"a/index.html"), "text/html");
        assert_eq!(types.of(b"A.CSS"), "text/css");
        assert_eq!(types.of(b"x.wasm"), "application/wasm");
        assert_eq!(types.of(b"folder.css/README"), UNKNOWN);
        assert_eq!(types.of(b"x.\xff"), UNKNOWN);
        assert_eq!(types.of(b""), UNKNOWN);
    }

    #[test]
    fn a_file_goes_before_the_built_in_table() {
        let mut problems = Vec::new();
        let mut types = Types::default();
        types.take("# types\ntext/x-own  OWN .css # here\n\napplication/none\n", "mime", &mut problems);
        assert_eq!(types.of(b"a.own"), "text/x-own");
        assert_eq!(types.of(b"a.css"), "text/x-own");
        assert_eq!(types.of(b"a.html"), "text/html");
        assert!(problems.is_empty());
    }

    #[test]
    fn bad_lines_are_named_by_file_and_number() {
        let mut problems = Vec::new();
        Types::default().take("text/plain txt\ntypes { css; }\n", "/etc/mime", &mut problems);
        assert_eq!(problems, ["/etc/mime:2: `types` is no media type"]);
    }
}
