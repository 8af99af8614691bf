//! The instance's log: one line per line of output, with its time, in files of limited size.

use crate::clock;
use crate::line_splitter::LineSplitter;
use bloom_control::Log;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// Bytes of output formatted before they are written: lines can grow thirtyfold by their times.
const PIECE: usize = 8 * 1024;

/// Writes `<time> <stream> <text>` lines and rotates the file by size.
pub struct LogWriter {
    path: PathBuf,
    file: Option<File>,
    size: u64,
    limits: Log,
    lost: u64,
    buffer: Vec<u8>,
}

impl LogWriter {
    /// Opens `path` for appending; a failure (a full disk) is tried again with the next line.
    pub fn open(path: PathBuf, limits: Log) -> LogWriter {
        let mut log = LogWriter { path, file: None, size: 0, limits, lost: 0, buffer: Vec::new() };
        log.reopen();
        log
    }

    /// A remark of the shim itself.
    pub fn remark(&mut self, text: &str) {
        let line = format!("{} shim {}\n", clock::now(), text.replace('\n', " "));
        self.write(line.as_bytes(), 1);
    }

    /// A chunk of output.
    pub fn output(&mut self, splitter: &mut LineSplitter, bytes: &[u8]) {
        let time = clock::now();
        for piece in bytes.chunks(PIECE) {
            self.format(|lines| splitter.push(piece, &time, lines));
        }
    }

    /// The end of a stream of output.
    pub fn end_of_output(&mut self, splitter: &mut LineSplitter) {
        self.format(|lines| splitter.finish(&clock::now(), lines));
    }

    fn format(&mut self, work: impl FnOnce(&mut Vec<u8>) -> u64) {
        let mut lines = std::mem::take(&mut self.buffer);
        lines.clear();
        let count = work(&mut lines);
        if count > 0 {
            self.write(&lines, count);
        }
        self.buffer = lines;
    }

    /// An app must never wait for its log: what cannot be written is counted, gone, and told of later.
    fn write(&mut self, lines: &[u8], count: u64) {
        if self.lost > 0 {
            let lost = self.lost;
            let text = format!("{} shim {lost} lines were lost: the log could not be written\n", clock::now());
            if self.append(text.as_bytes()).is_err() {
                self.lost += count;
                return;
            }
            self.lost = 0;
        }
        if self.append(lines).is_err() {
            self.lost += count;
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.size > 0 && self.size + bytes.len() as u64 > self.limits.max_bytes {
            self.rotate();
        }
        if self.file.is_none() {
            self.reopen();
        }
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        if let Err(error) = file.write_all(bytes) {
            // Half a line would run into the next one.
            let _ = file.set_len(self.size);
            return Err(error);
        }
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn reopen(&mut self) {
        self.file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path).ok();
        self.size = self.file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |data| data.len());
    }

    fn rotate(&mut self) {
        self.file = None;
        let oldest = self.limits.files.saturating_sub(1);
        for number in (0..oldest).rev() {
            let _ = fs::rename(self.numbered(number), self.numbered(number + 1));
        }
        if oldest == 0 {
            let _ = fs::remove_file(&self.path);
        }
        self.reopen();
    }

    fn numbered(&self, number: u32) -> PathBuf {
        match number {
            0 => self.path.clone(),
            _ => PathBuf::from(format!("{}.{number}", self.path.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("bloom-log-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Folder(path)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            let mut names: Vec<String> =
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn files_are_rotated_and_the_oldest_go() {
        let folder = Folder::new("rotate");
        let mut log = LogWriter::open(folder.0.join("app.log"), Log { max_bytes: 200, files: 3 });
        for number in 0..40 {
            log.remark(&format!("line {number}"));
        }
        assert_eq!(folder.names(), ["app.log", "app.log.1", "app.log.2"]);
        for name in folder.names() {
            assert!(fs::metadata(folder.0.join(name)).unwrap().len() <= 200);
        }
        assert!(fs::read_to_string(folder.0.join("app.log")).unwrap().ends_with(" shim line 39\n"));
    }

    #[test]
    fn a_single_file_starts_anew() {
        let folder = Folder::new("single");
        let mut log = LogWriter::open(folder.0.join("app.log"), Log { max_bytes: 100, files: 1 });
        for number in 0..9 {
            log.remark(&format!("line {number}"));
        }
        assert_eq!(folder.names(), ["app.log"]);
        assert!(fs::metadata(folder.0.join("app.log")).unwrap().len() <= 100);
    }

    #[test]
    fn lost_lines_are_counted_and_told_of() {
        let folder = Folder::new("lost");
        let path = folder.0.join("not/yet/app.log");
        let mut log = LogWriter::open(path.clone(), Log { max_bytes: 10_000, files: 2 });
        let mut splitter = LineSplitter::new("out");
        log.output(&mut splitter, b"one\ntwo\n");
        log.remark("three");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        log.output(&mut splitter, b"four\n");
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(lines, ["shim 3 lines were lost: the log could not be written", "out four"]);
    }
}
