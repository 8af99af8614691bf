//! The classic signature: a map of variables in, status, headers and body out.
#![allow(unsafe_code)]
// The signature is what it is; the compilers of both sides are compared instead.
#![allow(improper_ctypes_definitions)]

use crate::exchange::{Exchange, Outcome};
use std::collections::HashMap;

/// What a library exports under the name of `rust-fn`. A panic of it ends the process; `C-unwind` says to the compiler
/// that it may come through here, for functions that say so themselves.
pub type Function = extern "C-unwind" fn(HashMap<&str, &str>) -> Answer;

/// Status line, headers, pieces of the body.
pub type Answer = (String, Vec<(String, String)>, Vec<Vec<u8>>);

/// # Safety
/// What stands there is a [`Function`], built by the compiler of this program and with the system's allocator.
pub unsafe fn function(address: *const ()) -> Function {
    // SAFETY: by the caller's promise.
    unsafe { std::mem::transmute::<*const (), Function>(address) }
}

/// Asks the function once.
pub fn call(function: Function, exchange: &mut dyn Exchange) -> Outcome {
    let (status, headers, body) = ask(function, exchange.vars());
    let mut headers = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    match exchange.respond(status.as_bytes(), &mut headers, body) {
        // The client is gone, or was told: either was counted and logged where it was noticed.
        Ok(()) | Err(_) => Outcome::Done,
    }
}

fn ask(function: Function, vars: &[(&[u8], &[u8])]) -> Answer {
    // Bytes that are no UTF-8 are replaced by U+FFFD, which needs room beside the request; hardly any does.
    let is_text = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok();
    let odd: Vec<&[u8]> =
        vars.iter().flat_map(|(name, value)| [*name, *value]).filter(|bytes| !is_text(bytes)).collect();
    let replaced: Vec<String> = odd.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
    let mut next = replaced.iter();
    let mut environ = HashMap::with_capacity(vars.len());
    for (name, value) in vars {
        let mut text = |bytes| std::str::from_utf8(bytes).unwrap_or_else(|_| next.next().map_or("", String::as_str));
        let name = text(*name);
        environ.insert(name, text(*value));
    }
    function(environ)
}
