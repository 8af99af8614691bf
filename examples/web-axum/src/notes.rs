//! Notes in a file, one JSON document a line.
//!
//! Every write is one append of one line. Appends of this size are atomic on a local file system, so two versions
//! of the program may write to the same file while one replaces the other.

use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::fs::{self, OpenOptions};
use tokio::io::AsyncWriteExt;

/// Longest text of a note, in bytes.
pub const LONGEST: usize = 2000;

/// One note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Who wrote it.
    pub author: String,
    /// What it says.
    pub text: String,
    /// Seconds since 1970.
    pub at: u64,
}

/// The file with the notes.
#[derive(Debug, Clone)]
pub struct Notes {
    path: PathBuf,
}

impl Notes {
    /// Notes kept in `path`; the file is made by the first note.
    pub fn new(path: impl Into<PathBuf>) -> Notes {
        Notes { path: path.into() }
    }

    /// Adds a note with the present time.
    pub async fn add(&self, author: String, text: String) -> io::Result<Note> {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let note = Note { author, text, at };
        let mut line = serde_json::to_vec(&note)?;
        line.push(b'\n');
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).await?;
        file.write_all(&line).await?;
        file.flush().await?;
        Ok(note)
    }

    /// All notes, oldest first. A line that cannot be read is passed over.
    pub async fn list(&self) -> io::Result<Vec<Note>> {
        Ok(self.read_from(0).await?.0)
    }

    /// The notes from this byte on, and where the next ones will begin.
    pub async fn read_from(&self, offset: u64) -> io::Result<(Vec<Note>, u64)> {
        let bytes = match fs::read(&self.path).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
            Err(error) => return Err(error),
        };
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        // The last line may still be on its way.
        let end = bytes.iter().rposition(|&byte| byte == b'\n').map_or(start, |at| at + 1).max(start);
        let notes = bytes[start..end]
            .split(|&byte| byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        Ok((notes, end as u64))
    }
}
