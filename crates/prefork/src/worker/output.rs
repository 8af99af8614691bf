use super::transport::Transport;
use crate::statics::FileBody;
use std::collections::VecDeque;
use std::io::{self, IoSlice};

/// What of an answer was not sent yet, in order.
#[derive(Default)]
pub struct Output {
    parts: VecDeque<Part>,
}

enum Part {
    Bytes { bytes: Vec<u8>, sent: usize },
    File(FileBody),
}

/// Parts sent by one system call.
const AT_ONCE: usize = 32;

impl Output {
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub fn push(&mut self, bytes: Vec<u8>) {
        self.push_from(bytes, 0);
    }

    /// The same, of which the first `sent` bytes are sent already.
    pub fn push_from(&mut self, bytes: Vec<u8>, sent: usize) {
        if sent < bytes.len() {
            self.parts.push_back(Part::Bytes { bytes, sent });
        }
    }

    pub fn push_file(&mut self, file: FileBody) {
        if file.left() > 0 {
            self.parts.push_back(Part::File(file));
        }
    }

    /// Sends as much as can be sent now. True: all of it.
    pub fn flush(&mut self, transport: &mut Transport) -> io::Result<bool> {
        while let Some(part) = self.parts.front_mut() {
            let sent = match part {
                Part::File(file) => transport.send_file(file).map(|_| 0),
                Part::Bytes { .. } => self.send_bytes(transport),
            };
            match sent {
                Ok(sent) => self.advance(sent),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        transport.flush()
    }

    fn send_bytes(&self, transport: &mut Transport) -> io::Result<usize> {
        let slices: Vec<IoSlice<'_>> = self
            .parts
            .iter()
            .map_while(|part| match part {
                Part::Bytes { bytes, sent } => Some(IoSlice::new(&bytes[*sent..])),
                Part::File(_) => None,
            })
            .take(AT_ONCE)
            .collect();
        transport.send(&slices)
    }

    fn advance(&mut self, mut count: usize) {
        while let Some(part) = self.parts.front_mut() {
            let whole = match part {
                Part::Bytes { bytes, sent } => {
                    let step = count.min(bytes.len() - *sent);
                    *sent += step;
                    count -= step;
                    *sent == bytes.len()
                }
                Part::File(file) => file.left() == 0,
            };
            if !whole {
                return;
            }
            self.parts.pop_front();
        }
    }
}
