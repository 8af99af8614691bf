//! The table of the safe macro: plain C data and functions, whatever compiler built the app.
#![allow(unsafe_code)]

use crate::exchange::{AnswerError, Exchange, Outcome};
use prefork::abi::{self, AppTable, Pair, RequestTable, Slice};
use std::ffi::c_void;
use std::io;

/// Bodies up to this size are handed on as a whole answer, which costs a copy and frees the thread from slow readers.
const WHOLE: usize = 4 * 1024 * 1024;

/// The table that stands there, as far as this host knows it. None: no table, or one that answers nothing.
///
/// # Safety
/// What stands there was exported as [`abi::SYMBOL`].
pub unsafe fn table(address: *const ()) -> Option<AppTable> {
    // SAFETY: the format begins with its size; by the caller's promise it is there.
    let size = unsafe { address.cast::<usize>().read_unaligned() };
    // No table was ever shorter, and none will be that long.
    let plausible = size_of::<AppTable>()..4096;
    if !address.cast::<AppTable>().is_aligned() || !plausible.contains(&size) {
        return None;
    }
    // SAFETY: as above.
    let table = unsafe { abi::read(address.cast::<AppTable>()) };
    table.handle.is_some().then_some(table)
}

/// Asks the app once.
pub fn call(app: &AppTable, exchange: &mut dyn Exchange) -> Outcome {
    let Some(handle) = app.handle else { return Outcome::Panicked("the app has nothing to ask".into()) };
    let pair = |(name, value): &(&[u8], &[u8])| Pair { name: Slice::of(name), value: Slice::of(value) };
    let vars: Vec<Pair> = exchange.vars().iter().map(pair).collect();
    let head = Slice::of(exchange.head());
    let mut context = Context { exchange, begun: false, waiting: None, failure: None };
    let request = RequestTable {
        size: size_of::<RequestTable>(),
        context: (&raw mut context).cast(),
        vars: vars.as_ptr(),
        vars_len: vars.len(),
        head,
        read: Some(read),
        begin: Some(begin),
        write: Some(write),
        fail: Some(fail),
    };
    // SAFETY: all of it stays until the call returns; an exchange keeps its variables and its head in their place.
    let code = unsafe { handle(&request) };
    match context.failure {
        Some(why) => Outcome::Panicked(why),
        None if code != 0 => Outcome::Panicked("the app failed and did not say why".into()),
        None if !context.begun => Outcome::Panicked("the app returned without an answer".into()),
        None => {
            if let Some(waiting) = context.waiting {
                // It announced a body and wrote none of it: the head at least.
                let _ = waiting.begin(context.exchange);
            }
            Outcome::Done
        }
    }
}

struct Context<'a> {
    exchange: &'a mut dyn Exchange,
    begun: bool,
    waiting: Option<Waiting>,
    failure: Option<String>,
}

/// The head of an answer whose body is short and known in length: sent together with the body.
struct Waiting {
    status: Vec<u8>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    body: usize,
}

impl Waiting {
    fn begin(self, exchange: &mut dyn Exchange) -> Result<(), AnswerError> {
        let mut headers = self.headers.iter().map(pair_of);
        exchange.begin(&self.status, &mut headers, Some(self.body as u64))
    }
}

fn pair_of((name, value): &(Vec<u8>, Vec<u8>)) -> (&[u8], &[u8]) {
    (name, value)
}

/// # Safety
/// In each of these functions: `context` is what [`call`] made it, and nobody uses it at the same time.
unsafe fn context_of<'a>(context: *mut c_void) -> &'a mut Context<'a> {
    // SAFETY: by the caller's promise.
    unsafe { &mut *context.cast::<Context<'a>>() }
}

unsafe extern "C" fn read(context: *mut c_void, into: *mut u8, len: usize) -> isize {
    if len == 0 {
        return 0;
    }
    // SAFETY: see `context_of`; there is room for `len` bytes, which the app has made zero or read into before.
    let (context, into) = unsafe { (context_of(context), std::slice::from_raw_parts_mut(into, len)) };
    match context.exchange.read(into) {
        Ok(count) => count as isize,
        Err(error) => -(errno(&error) as isize),
    }
}

unsafe extern "C" fn begin(context: *mut c_void, status: Slice, headers: *const Pair, len: usize, body: i64) -> i32 {
    // SAFETY: see `context_of`; what the slices lead to is there for this call.
    let (context, status) = unsafe { (context_of(context), status.bytes()) };
    if context.begun {
        return -libc::EALREADY;
    }
    context.begun = true;
    // SAFETY: as above.
    let given: &[Pair] = if len == 0 { &[] } else { unsafe { std::slice::from_raw_parts(headers, len) } };
    // SAFETY: as above.
    let mut headers = given.iter().map(|pair| unsafe { (pair.name.bytes(), pair.value.bytes()) });
    let body = u64::try_from(body).ok();
    let begun = match body {
        Some(0) => context.exchange.respond(status, &mut headers, Vec::new()),
        // What may not be sent is refused at once, not with the first piece of the body.
        Some(body) if body <= WHOLE as u64 && sendable(status, headers.clone()) => {
            let headers = headers.map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
            context.waiting = Some(Waiting { status: status.to_vec(), headers, body: body as usize });
            Ok(())
        }
        _ => context.exchange.begin(status, &mut headers, body),
    };
    code(begun)
}

unsafe extern "C" fn write(context: *mut c_void, data: Slice) -> i32 {
    // SAFETY: as in `begin`.
    let (context, data) = unsafe { (context_of(context), data.bytes()) };
    if data.is_empty() {
        return 0;
    }
    match context.waiting.take() {
        Some(waiting) if waiting.body == data.len() => {
            let mut headers = waiting.headers.iter().map(pair_of);
            return code(context.exchange.respond(&waiting.status, &mut headers, vec![data.to_vec()]));
        }
        Some(waiting) => {
            if let Err(error) = waiting.begin(context.exchange) {
                return code(Err(error));
            }
        }
        None => {}
    }
    match context.exchange.write(data) {
        Ok(()) => 0,
        Err(error) => -errno(&error),
    }
}

unsafe extern "C" fn fail(context: *mut c_void, why: Slice) {
    // SAFETY: as in `begin`.
    let (context, why) = unsafe { (context_of(context), why.bytes()) };
    context.failure = Some(String::from_utf8_lossy(why).into_owned());
}

fn sendable<'a>(status: &[u8], headers: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> bool {
    let breaks = |bytes: &[u8]| bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
    let is_token = |name: &[u8]| {
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
    };
    let mut headers = headers;
    !breaks(status) && headers.all(|(name, value)| is_token(name) && !breaks(value))
}

fn code(answered: Result<(), AnswerError>) -> i32 {
    match answered {
        Ok(()) => 0,
        Err(AnswerError::Invalid(_)) => -libc::EINVAL,
        Err(AnswerError::Io(error)) => match -errno(&error) {
            // That word is taken: it says that the app is at fault.
            code if code == -libc::EINVAL => -libc::EIO,
            code => code,
        },
    }
}

fn errno(error: &io::Error) -> i32 {
    match (error.raw_os_error(), error.kind()) {
        (Some(errno), _) if errno > 0 => errno,
        (_, io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => libc::ETIMEDOUT,
        (_, io::ErrorKind::BrokenPipe) => libc::EPIPE,
        (_, io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => libc::ECONNRESET,
        (_, io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => libc::EBADMSG,
        (_, io::ErrorKind::FileTooLarge) => libc::EFBIG,
        _ => libc::EIO,
    }
}
