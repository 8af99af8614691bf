//! What the code of the attribute calls: one request from begin to end, and the hooks.
#![allow(unsafe_code)]

use crate::abi::{HostTable, RequestTable};
use crate::raw::Raw;
use crate::response::Content;
use crate::{IntoResponse, Request, Response, panic_text};
use std::fmt::Display;
use std::io::{self, BufWriter, Read, Write};

/// Pieces that a body is read in.
const PIECE: usize = 64 * 1024;
/// Small writes of a stream are gathered up to this size.
const GATHERED: usize = 8 * 1024;

/// Serves one request. 0: answered; 1: `fail` was told why not.
///
/// # Safety
/// `table` is as [`RequestTable`] says, for the length of this call.
pub unsafe fn handle<R: IntoResponse>(table: *const RequestTable, application: impl Fn(&mut Request) -> R) -> i32 {
    // SAFETY: by the caller's promise; both copies are gone when this function returns, one is used at a time.
    let (raw, mut other) = unsafe { (Raw::new(table), Raw::new(table)) };
    let served = panic_text::catch(move || {
        let mut request = Request::new(raw);
        let response = application(&mut request).into_response();
        send(request.raw(), response)
    });
    match served {
        Ok(Ok(())) => 0,
        Ok(Err(why)) | Err(why) => {
            // A panic of the host's own function cannot come back through it, so this cannot unwind.
            other.fail(&why);
            1
        }
    }
}

/// Sends an answer; the error says what is wrong with it. That the client is gone is no error: the host knows.
fn send(raw: &mut Raw, response: Response) -> Result<(), String> {
    let length = match &response.content {
        Content::Bytes(bytes) => Some(bytes.len() as u64),
        Content::Reader(_, length) => *length,
        Content::Stream(_) => None,
    };
    let headers = response.header_list();
    if let Err(error) = raw.begin(response.status_line(), &headers, length) {
        return match error.kind() {
            io::ErrorKind::InvalidInput => Err(what_is_invalid(&response)),
            _ => Ok(()),
        };
    }
    let mut out = Out { raw, gone: false };
    let written = match response.content {
        Content::Bytes(bytes) if bytes.is_empty() => Ok(()),
        Content::Bytes(bytes) => out.write_all(&bytes),
        Content::Stream(produce) => {
            let mut gathered = BufWriter::with_capacity(GATHERED, &mut out);
            produce(&mut gathered).and_then(|()| gathered.flush())
        }
        Content::Reader(from, _) => copy(from, &mut out),
    };
    match written {
        Err(error) if !out.gone => Err(format!("the body of the answer ended with an error: {error}")),
        _ => Ok(()),
    }
}

fn what_is_invalid(response: &Response) -> String {
    let is_token = |name: &[u8]| {
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
    };
    for (name, value) in response.header_list() {
        let shown = String::from_utf8_lossy(name);
        if !is_token(name) {
            return format!("{shown:?} is not a name for a header");
        }
        if value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return format!("the value of the header {shown:?} has a line break or a zero byte in it");
        }
    }
    format!("the host does not send this answer with the status {:?}", response.status_line())
}

fn copy(mut from: Box<dyn Read>, out: &mut Out<'_>) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => out.write_all(&piece[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

struct Out<'a> {
    raw: &'a mut Raw,
    gone: bool,
}

impl Write for Out<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.raw.write(data) {
            self.gone = true;
            return Err(error);
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a hook may return: nothing, or a `Result` whose error stops the start.
pub trait HookResult {
    fn failure(self) -> Option<String>;
}

impl HookResult for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<E: Display> HookResult for Result<(), E> {
    fn failure(self) -> Option<String> {
        self.err().map(|error| format!("{error:#}"))
    }
}

/// The first call of all.
///
/// # Safety
/// `host` is as [`HostTable`] says.
pub unsafe fn init<R: HookResult>(host: *const HostTable, hook: impl FnOnce() -> R) -> i32 {
    // SAFETY: by the caller's promise.
    unsafe { crate::host::set(host) };
    panic_text::install();
    run("init", hook)
}

/// A hook: 0, or 1 with a line in the log.
pub fn run<R: HookResult>(name: &str, hook: impl FnOnce() -> R) -> i32 {
    match panic_text::catch(|| hook().failure()) {
        Ok(None) => 0,
        Ok(Some(error)) => {
            crate::error!("`{name}` of the app failed: {error}");
            1
        }
        Err(panic) => {
            crate::error!("`{name}` of the app panicked: {panic}");
            1
        }
    }
}
