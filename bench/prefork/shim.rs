//! What stands between uWSGI and the app: its plugin for plain C functions calls one of these for each request.
//!
//! It does what a plugin for Rust apps has to do and no more: the variables as a map, one call, the answer piece by piece.

#[path = "app.rs"]
mod app;

use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::slice::from_raw_parts;

type Request = *mut c_void;

unsafe extern "C" {
    fn uwsgi_parse_vars(request: Request) -> c_int;
    fn uwsgi_get_var(request: Request, name: *const u8, name_len: u16, len: *mut u16) -> *const u8;
    fn uwsgi_response_prepare_headers(request: Request, status: *const u8, len: u16) -> c_int;
    fn uwsgi_response_add_content_length(request: Request, len: u64) -> c_int;
    fn uwsgi_response_add_header(request: Request, name: *const u8, name_len: u16, value: *const u8, len: u16) -> c_int;
    fn uwsgi_response_write_body_do(request: Request, bytes: *const u8, len: usize) -> c_int;
}

/// The variables that a request of the benchmark has.
const NAMES: &[&str] = &[
    "REQUEST_METHOD",
    "REQUEST_URI",
    "PATH_INFO",
    "QUERY_STRING",
    "SERVER_PROTOCOL",
    "SERVER_NAME",
    "SERVER_PORT",
    "SCRIPT_NAME",
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "HTTP_HOST",
    "HTTP_CONNECTION",
];

/// As uWSGI's users had it: nobody says how long the answer is, so the end of the connection says it.
///
/// # Safety
/// `request` is what uWSGI gives to a handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hello_unsized(request: Request) -> c_int {
    unsafe { handle(request, false) }
}

/// The same with a length, so that a connection can go on.
///
/// # Safety
/// `request` is what uWSGI gives to a handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hello_sized(request: Request) -> c_int {
    unsafe { handle(request, true) }
}

unsafe fn handle(request: Request, is_sized: bool) -> c_int {
    let environ = unsafe {
        if uwsgi_parse_vars(request) != 0 {
            return -1;
        }
        NAMES.iter().filter_map(|name| Some((*name, variable(request, name)?))).collect::<HashMap<_, _>>()
    };
    let (status, headers, body) = app::application(environ);
    unsafe {
        if uwsgi_response_prepare_headers(request, status.as_ptr(), status.len() as u16) != 0 {
            return -1;
        }
        if is_sized {
            uwsgi_response_add_content_length(request, body.iter().map(|piece| piece.len() as u64).sum());
        }
        for (name, value) in &headers {
            let (name_len, len) = (name.len() as u16, value.len() as u16);
            uwsgi_response_add_header(request, name.as_ptr(), name_len, value.as_ptr(), len);
        }
        for piece in &body {
            uwsgi_response_write_body_do(request, piece.as_ptr(), piece.len());
        }
    }
    0
}

unsafe fn variable<'a>(request: Request, name: &str) -> Option<&'a str> {
    let mut len = 0;
    let value = unsafe { uwsgi_get_var(request, name.as_ptr(), name.len() as u16, &mut len) };
    if value.is_null() { None } else { std::str::from_utf8(unsafe { from_raw_parts(value, len.into()) }).ok() }
}
