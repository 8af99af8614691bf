//! The host's side of one request, in terms of slices and results. All that is unsafe about a request is here.
#![allow(unsafe_code)]

use crate::abi::{self, Pair, RequestTable, Slice};
use std::io;
use std::marker::PhantomData;

/// A request as the host handed it over. Stays on its thread.
pub(crate) struct Raw {
    table: RequestTable,
    stays: PhantomData<*const ()>,
}

impl Raw {
    /// # Safety
    /// The table, and all it leads to, is good until the value and what was borrowed from it are gone, and nobody
    /// else calls its functions meanwhile.
    pub(crate) unsafe fn new(table: *const RequestTable) -> Raw {
        // SAFETY: by the caller's promise.
        Raw { table: unsafe { abi::read(table) }, stays: PhantomData }
    }

    /// Names and values, in the order of the host.
    pub(crate) fn vars(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let pairs: &[Pair] = match self.table.vars_len {
            0 => &[],
            // SAFETY: as many pairs as the host says, good as long as `self`.
            len => unsafe { std::slice::from_raw_parts(self.table.vars, len) },
        };
        // SAFETY: as above.
        pairs.iter().map(|pair| unsafe { (pair.name.bytes(), pair.value.bytes()) })
    }

    /// The head as it came, or nothing.
    pub(crate) fn head(&self) -> &[u8] {
        // SAFETY: good as long as `self`.
        unsafe { self.table.head.bytes() }
    }

    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(read) = self.table.read else { return Ok(0) };
        // SAFETY: the host writes no more than the length it is given.
        let count = unsafe { read(self.table.context, into.as_mut_ptr(), into.len()) };
        match usize::try_from(count) {
            Ok(count) => Ok(count.min(into.len())),
            Err(_) => Err(error_of(count)),
        }
    }

    /// `body`: its length where it is known.
    pub(crate) fn begin(&mut self, status: &str, headers: &[(&[u8], &[u8])], body: Option<u64>) -> io::Result<()> {
        let begin = self.table.begin.ok_or(io::ErrorKind::Unsupported)?;
        let pair = |(name, value): &(&[u8], &[u8])| Pair { name: Slice::of(name), value: Slice::of(value) };
        let headers: Vec<Pair> = headers.iter().map(pair).collect();
        let body = body.and_then(|body| i64::try_from(body).ok()).unwrap_or(-1);
        let status = Slice::of(status.as_bytes());
        // SAFETY: all of it stays until the call returns; the host keeps nothing.
        match unsafe { begin(self.table.context, status, headers.as_ptr(), headers.len(), body) } {
            0 => Ok(()),
            code => Err(error_of(code as isize)),
        }
    }

    pub(crate) fn write(&mut self, data: &[u8]) -> io::Result<()> {
        let write = self.table.write.ok_or(io::ErrorKind::Unsupported)?;
        // SAFETY: as in `begin`.
        match unsafe { write(self.table.context, Slice::of(data)) } {
            0 => Ok(()),
            code => Err(error_of(code as isize)),
        }
    }

    pub(crate) fn fail(&mut self, why: &str) {
        if let Some(fail) = self.table.fail {
            // SAFETY: as in `begin`.
            unsafe { fail(self.table.context, Slice::of(why.as_bytes())) }
        }
    }
}

fn error_of(code: isize) -> io::Error {
    match i32::try_from(code.unsigned_abs()) {
        Ok(errno) => io::Error::from_raw_os_error(errno),
        Err(_) => io::ErrorKind::Other.into(),
    }
}
