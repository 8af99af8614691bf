//! Turns chunks of output into lines of the log.

/// Longer lines are split; the pieces after the first are marked `out+`.
pub const MAX_LINE: usize = 16 * 1024;

/// One stream's unfinished line.
pub struct LineSplitter {
    stream: &'static str,
    rest: Vec<u8>,
    continued: bool,
}

impl LineSplitter {
    /// A splitter whose lines are marked with the name of their stream.
    pub fn new(stream: &'static str) -> LineSplitter {
        LineSplitter { stream, rest: Vec::new(), continued: false }
    }

    /// Adds every line that `bytes` completes to `lines`, each as `<time> <stream> <text>`; returns how many.
    pub fn push(&mut self, bytes: &[u8], time: &str, lines: &mut Vec<u8>) -> u64 {
        let mut count = 0;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (mut text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            while self.rest.len() + text.len() > MAX_LINE {
                let (head, tail) = text.split_at(MAX_LINE - self.rest.len());
                self.rest.extend_from_slice(head);
                text = tail;
                self.take(true, time, lines);
                count += 1;
            }
            self.rest.extend_from_slice(text);
            if ends {
                self.take(false, time, lines);
                count += 1;
            }
        }
        count
    }

    /// Adds a last line that no newline has ended.
    pub fn finish(&mut self, time: &str, lines: &mut Vec<u8>) -> u64 {
        if self.rest.is_empty() {
            return 0;
        }
        self.take(false, time, lines);
        1
    }

    fn take(&mut self, goes_on: bool, time: &str, lines: &mut Vec<u8>) {
        let mark = if self.continued { "+ " } else { " " };
        for part in [time, " ", self.stream, mark] {
            lines.extend_from_slice(part.as_bytes());
        }
        let text = self.rest.strip_suffix(b"\r").unwrap_or(&self.rest);
        lines.extend_from_slice(String::from_utf8_lossy(text).as_bytes());
        lines.push(b'\n');
        self.rest.clear();
        self.continued = goes_on;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(splitter: &mut LineSplitter, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let count = splitter.push(bytes, "T", &mut lines);
        let text = String::from_utf8(lines).unwrap();
        assert_eq!(text.lines().count() as u64, count);
        text.lines().map(|line| line.strip_prefix("T ").unwrap().to_owned()).collect()
    }

    #[test]
    fn lines_come_whole_whatever_the_chunks() {
        let mut splitter = LineSplitter::new("out");
        assert_eq!(push(&mut splitter, b"one\ntw"), ["out one"]);
        assert_eq!(push(&mut splitter, b"o\r\n\nthree"), ["out two", "out "]);
        let mut lines = Vec::new();
        assert_eq!(splitter.finish("T", &mut lines), 1);
        assert_eq!(lines, b"T out three\n");
        assert_eq!(splitter.finish("T", &mut lines), 0);
    }

    #[test]
    fn long_lines_are_split_and_marked() {
        for chunk in [MAX_LINE * 3, 1000, 1] {
            let mut splitter = LineSplitter::new("err");
            let bytes = [b"x".repeat(MAX_LINE * 2 + 1), b"\nnext\n".to_vec()].concat();
            let lines: Vec<String> = bytes.chunks(chunk).flat_map(|part| push(&mut splitter, part)).collect();
            let kinds: Vec<&str> = lines.iter().map(|line| line.split(' ').next().unwrap()).collect();
            assert_eq!(kinds, ["err", "err+", "err+", "err"]);
            assert_eq!(lines.iter().map(|line| line.len()).max(), Some("err+ ".len() + MAX_LINE));
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_replaced() {
        assert_eq!(push(&mut LineSplitter::new("out"), b"a\xffb\n"), ["out a\u{fffd}b"]);
    }
}
