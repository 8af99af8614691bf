/// A piece of a buffer, by place and length; buffers are below 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// Number of bytes.
    pub len: u32,
}

impl Span {
    /// The piece `range` of a buffer.
    pub fn new(range: std::ops::Range<usize>) -> Span {
        Span { start: range.start as u32, len: (range.end - range.start) as u32 }
    }

    /// Where `part`, itself a piece of `whole`, stands in it.
    pub(crate) fn of(part: &[u8], whole: &[u8]) -> Span {
        let start = part.as_ptr() as usize - whole.as_ptr() as usize;
        debug_assert!(start + part.len() <= whole.len());
        Span { start: start as u32, len: part.len() as u32 }
    }

    /// One past the last byte.
    pub fn end(self) -> usize {
        self.start as usize + self.len as usize
    }

    /// The bytes.
    pub fn get(self, buf: &[u8]) -> &[u8] {
        &buf[self.start as usize..self.end()]
    }

    /// The same piece when `by` bytes were put before the buffer.
    pub(crate) fn moved(self, by: usize) -> Span {
        Span { start: self.start + by as u32, len: self.len }
    }
}
