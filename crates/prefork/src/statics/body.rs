//! A part of a file on its way to a client.
#![allow(unsafe_code)] // One system call, sendfile, with descriptors that are borrowed or owned for its time.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::FileExt;

/// Most bytes given to the kernel at a time, so that one download does not keep a thread from others.
const SLICE: u64 = 1 << 20;

/// What is still to be sent of a file.
#[derive(Debug)]
pub struct FileBody {
    file: File,
    offset: u64,
    left: u64,
}

impl FileBody {
    /// `length` bytes from `offset`.
    pub fn new(file: File, offset: u64, length: u64) -> FileBody {
        FileBody { file, offset, left: length }
    }

    /// Bytes still to be sent. 0: done.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Sends what a socket takes now, without copying; returns how much. WouldBlock: none.
    ///
    /// UnexpectedEof: the file has become shorter. What was promised cannot be kept, so the connection must be closed.
    pub fn send(&mut self, to: BorrowedFd<'_>) -> io::Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        let Ok(mut offset) = libc::off_t::try_from(self.offset) else { return Err(shorter()) };
        let count = self.left.min(SLICE) as usize;
        let sent = loop {
            // SAFETY: both descriptors are open while they are borrowed; the kernel writes `offset` only during the call.
            let sent = unsafe { libc::sendfile(to.as_raw_fd(), self.file.as_raw_fd(), &mut offset, count) };
            match usize::try_from(sent).map_err(|_| io::Error::last_os_error()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => break done?,
            }
        };
        self.took(sent)
    }

    /// Reads for a connection that needs the bytes itself, such as TLS. Errors as of [`FileBody::send`].
    pub fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if count == 0 {
            return Ok(0);
        }
        let got = self.file.read_at(&mut into[..count], self.offset)?;
        self.took(got)
    }

    /// Bytes that [`FileBody::read`] gave and nobody took come again.
    pub fn give_back(&mut self, count: usize) {
        self.offset -= count as u64;
        self.left += count as u64;
    }

    fn took(&mut self, count: usize) -> io::Result<usize> {
        if count == 0 {
            return Err(shorter());
        }
        self.offset += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

fn shorter() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was sent")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    fn file_of(text: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        file
    }

    #[test]
    fn a_part_is_sent_and_no_more() {
        let mut body = FileBody::new(file_of(b"0123456789"), 2, 5);
        let (here, mut there) = UnixStream::pair().unwrap();
        assert_eq!(body.send(here.as_fd()).unwrap(), 5);
        assert_eq!(body.left(), 0);
        assert_eq!(body.send(here.as_fd()).unwrap(), 0);
        drop(here);
        let mut got = String::new();
        there.read_to_string(&mut got).unwrap();
        assert_eq!(got, "23456");
    }

    #[test]
    fn reading_can_be_taken_back() {
        let mut body = FileBody::new(file_of(b"0123456789"), 1, 8);
        let mut into = [0; 6];
        assert_eq!(body.read(&mut into).unwrap(), 6);
        body.give_back(2);
        assert_eq!(body.read(&mut into).unwrap(), 4);
        assert_eq!(&into[..4], b"5678");
        assert_eq!(body.read(&mut into).unwrap(), 0);
    }

    #[test]
    fn a_file_that_became_shorter_ends_the_sending() {
        let file = file_of(b"0123456789");
        let same = file.try_clone().unwrap();
        let mut body = FileBody::new(file, 0, 10);
        let (here, _there) = UnixStream::pair().unwrap();
        let mut two = [0; 2];
        assert_eq!(body.read(&mut two).unwrap(), 2);
        same.set_len(4).unwrap();
        assert_eq!(body.send(here.as_fd()).unwrap(), 2);
        assert_eq!(body.send(here.as_fd()).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(body.read(&mut two).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_socket_that_is_full_takes_nothing() {
        let mut body = FileBody::new(file_of(&vec![b'x'; 4 << 20]), 0, 4 << 20);
        let (here, _there) = UnixStream::pair().unwrap();
        here.set_nonblocking(true).unwrap();
        let error = loop {
            match body.send(here.as_fd()) {
                Ok(_) => assert!(body.left() > 0, "a socket cannot hold 4 MiB"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
