//! Lines from a descriptor, until it ends.

use crate::error::{SetupError, at};
use std::fs::File;
use std::io::{self, Read};

/// What has come of a descriptor and not been taken yet.
pub struct Lines {
    file: Option<File>,
    text: Vec<u8>,
}

impl Lines {
    /// Nothing has been read yet.
    pub fn new(file: File) -> Lines {
        Lines { file: Some(file), text: Vec::new() }
    }

    /// Where they come from, until it has ended.
    pub fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// Whether no more will come.
    pub fn has_ended(&self) -> bool {
        self.file.is_none()
    }

    /// Expects no more.
    pub fn end(&mut self) {
        self.file = None;
    }

    /// Waits for one line, or for all there is when the descriptor ends before it.
    pub fn read_first(&mut self) -> Result<Vec<u8>, SetupError> {
        loop {
            if let Some(line) = self.take_line() {
                return Ok(line);
            }
            if self.fill().map_err(at("read the spec"))? == 0 {
                self.file = None;
                return Ok(std::mem::take(&mut self.text));
            }
        }
    }

    /// Those that are whole.
    pub fn take_lines(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.take_line()).collect()
    }

    /// Reads once, waiting if it must; returns how many bytes came, 0 at the end.
    pub fn fill(&mut self) -> io::Result<usize> {
        let Some(file) = &mut self.file else { return Ok(0) };
        let mut buffer = [0; 8192];
        loop {
            match file.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => {
                    let count = other?;
                    self.text.extend_from_slice(&buffer[..count]);
                    return Ok(count);
                }
            }
        }
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let end = self.text.iter().position(|byte| *byte == b'\n')?;
        let rest = self.text.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.text, rest);
        line.pop();
        Some(line)
    }
}
