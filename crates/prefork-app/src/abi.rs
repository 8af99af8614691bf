//! The layout that an app and its host agree on, whatever compiler either was built with.
//!
//! Only plain C data crosses: pointers with lengths, integers, function pointers. Every table begins with its own
//! size, so that either side may grow a table at its end and the other knows which fields are there ([`read`]).
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::mem::MaybeUninit;

/// The one symbol a library exports: `static bloom_prefork_v1: AppTable`.
pub const SYMBOL: &str = "bloom_prefork_v1";

/// Bytes of text or data that belong to the other side and are good for the length of one call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// First byte; never null, also when `len` is 0.
    pub data: *const u8,
    /// Number of bytes.
    pub len: usize,
}

impl Slice {
    /// These bytes.
    ///
    /// ```
    /// let slice = prefork::abi::Slice::of(b"GET");
    /// assert_eq!(slice.len, 3);
    /// ```
    pub const fn of(bytes: &[u8]) -> Slice {
        Slice { data: bytes.as_ptr(), len: bytes.len() }
    }

    /// The bytes again.
    ///
    /// # Safety
    /// They are still there, and stay for as long as the caller says with `'a`.
    pub const unsafe fn bytes<'a>(self) -> &'a [u8] {
        // A table of the other side that ends before this field reads as zeros.
        if self.data.is_null() || self.len == 0 {
            return &[];
        }
        // SAFETY: by the caller's promise.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }
}

/// A name with its value.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// The name.
    pub name: Slice,
    /// The value.
    pub value: Slice,
}

/// What an app offers. 0 from a function is success, anything else a failure that was logged by the app.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct AppTable {
    /// Bytes of this table as its author's compiler saw it.
    pub size: usize,
    /// Once, after the library is loaded and before there is a worker (in each worker with `lazy-apps`).
    pub init: Option<unsafe extern "C" fn(host: *const HostTable) -> i32>,
    /// Once in each worker, before its first request.
    pub post_fork: Option<unsafe extern "C" fn(worker: u32) -> i32>,
    /// Once in each worker that ends in order, after its last request.
    pub exit: Option<unsafe extern "C" fn()>,
    /// One request. Called from many threads at once. 0: answered; 1: panicked before it answered whole, told by `fail`.
    pub handle: Option<unsafe extern "C" fn(request: *const RequestTable) -> i32>,
}

/// What the host offers to an app for as long as the process lives.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct HostTable {
    /// Bytes of this table as the host's compiler saw it.
    pub size: usize,
    /// Writes a line to the log of the host. Levels: 1 error, 2 warning, 3 information, 4 detail.
    pub log: Option<unsafe extern "C" fn(level: u32, line: Slice)>,
    /// The number of this worker from 1 on, 0 where there is none yet.
    pub worker: Option<unsafe extern "C" fn() -> u32>,
}

/// One request and the way to answer it. Good until `handle` returns, on the thread it was called on.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RequestTable {
    /// Bytes of this table as the host's compiler saw it.
    pub size: usize,
    /// Handed back to every function below.
    pub context: *mut c_void,
    /// The variables of the request, named as in CGI.
    pub vars: *const Pair,
    /// How many there are.
    pub vars_len: usize,
    /// The head of the request as it came, from the method to the last header; empty where it came in another protocol.
    pub head: Slice,
    /// Reads the body. Bytes read, 0 at its end, or a negative `errno`.
    pub read: Option<unsafe extern "C" fn(context: *mut c_void, into: *mut u8, len: usize) -> isize>,
    /// Begins the answer: status line such as `200 OK`, headers, and the length of the body, or -1 when it is not known.
    /// 0, or -EINVAL when a header may not be sent, or another negative `errno`.
    pub begin: Option<
        unsafe extern "C" fn(context: *mut c_void, status: Slice, headers: *const Pair, len: usize, body: i64) -> i32,
    >,
    /// Sends a part of the body. 0, or a negative `errno` when the client is gone.
    pub write: Option<unsafe extern "C" fn(context: *mut c_void, data: Slice) -> i32>,
    /// Says why the request could not be answered: the text of a panic with its place.
    pub fail: Option<unsafe extern "C" fn(context: *mut c_void, why: Slice)>,
}

/// Plain data that begins with its own size.
///
/// # Safety
/// The type is `repr(C)`, begins with `size: usize`, and is valid when every byte of it is zero.
pub unsafe trait Table: Copy {}

// SAFETY: `repr(C)`, `size` first; zero is a null pointer, an empty slice, or `None` of a function.
unsafe impl Table for AppTable {}
// SAFETY: as above.
unsafe impl Table for HostTable {}
// SAFETY: as above.
unsafe impl Table for RequestTable {}

/// A copy of a table of the other side: what it has and this side does not know is left out, and what it does not
/// have yet is zero. `size` stays what the other side said.
///
/// # Safety
/// `from` leads to a table of this type that is at least as long as the `size` it begins with.
pub unsafe fn read<T: Table>(from: *const T) -> T {
    let mut table = MaybeUninit::<T>::zeroed();
    // SAFETY: every table begins with its size, by the trait; no more is read than it says, nor more than there is
    // room for; and what is not written is zero, which the trait says is valid.
    unsafe {
        let size = from.cast::<usize>().read();
        let known = size.min(size_of::<T>());
        std::ptr::copy_nonoverlapping(from.cast::<u8>(), table.as_mut_ptr().cast::<u8>(), known);
        table.assume_init()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" fn worker() -> u32 {
        7
    }

    #[test]
    fn a_shorter_table_has_no_later_fields() {
        let whole = HostTable { size: size_of::<HostTable>(), log: None, worker: Some(worker) };
        // SAFETY: a table with its true size.
        assert!(unsafe { read(&whole) }.worker.is_some());
        let short = HostTable { size: std::mem::offset_of!(HostTable, worker), ..whole };
        // SAFETY: longer than it says.
        let copy = unsafe { read(&short) };
        assert!(copy.worker.is_none());
        assert_eq!(copy.size, short.size);
    }

    #[test]
    fn a_longer_table_is_cut() {
        #[repr(C)]
        struct Grown {
            known: HostTable,
            more: [u8; 64],
        }
        let known = HostTable { size: size_of::<Grown>(), log: None, worker: Some(worker) };
        let grown = Grown { known, more: [0xff; 64] };
        // SAFETY: as long as it says.
        let copy = unsafe { read((&raw const grown).cast::<HostTable>()) };
        assert!(copy.worker.is_some() && copy.log.is_none());
        assert_eq!(grown.more, [0xff; 64]);
    }

    #[test]
    fn no_bytes_may_come_with_a_null() {
        // SAFETY: nothing is read.
        assert!(unsafe { Slice { data: std::ptr::null(), len: 0 }.bytes() }.is_empty());
    }
}
