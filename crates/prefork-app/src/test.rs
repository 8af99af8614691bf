//! Calls a request function in a unit test: everything but the host.
//!
//! ```standalone_crate
//! use prefork::{Request, Response};
//!
//! #[prefork::application]
//! fn application(req: &mut Request) -> Response {
//!     Response::text(format!("Hello, {}", req.query()))
//! }
//!
//! let answer = prefork::test::get("/?Ada").call(application);
//! assert_eq!(answer.status(), 200);
//! assert_eq!(answer.text(), "Hello, Ada");
//! ```
#![allow(unsafe_code)]

use crate::abi::{Pair, RequestTable, Slice};
use crate::{IntoResponse, Request, serve};
use std::ffi::c_void;

/// A GET of this path and query.
///
/// ```
/// # fn application(req: &mut prefork::Request) -> String { req.query().to_string() }
/// assert_eq!(prefork::test::get("/search?q=tea").call(application).text(), "q=tea");
/// ```
pub fn get(path: &str) -> TestRequest {
    request("GET", path)
}

/// A POST of this body.
///
/// ```
/// # fn application(req: &mut prefork::Request) -> std::io::Result<String> { req.body().text(100) }
/// assert_eq!(prefork::test::post("/", "tea").call(application).text(), "tea");
/// ```
pub fn post(path: &str, body: impl Into<Vec<u8>>) -> TestRequest {
    request("POST", path).body(body)
}

/// A request of any method.
///
/// ```
/// # fn application(req: &mut prefork::Request) -> String { req.method().to_string() }
/// assert_eq!(prefork::test::request("DELETE", "/orders/17").call(application).text(), "DELETE");
/// ```
pub fn request(method: &str, path: &str) -> TestRequest {
    let (file, query) = path.split_once('?').unwrap_or((path, ""));
    let vars = [
        ("REQUEST_METHOD", method),
        ("REQUEST_URI", path),
        ("PATH_INFO", file),
        ("QUERY_STRING", query),
        ("SCRIPT_NAME", ""),
        ("SERVER_NAME", "localhost"),
        ("SERVER_PORT", "8080"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("REMOTE_ADDR", "127.0.0.1"),
    ];
    let vars = vars.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    TestRequest { vars, body: Vec::new() }
}

/// A request for a test.
///
/// ```
/// let request = prefork::test::get("/").header("Accept", "text/html").var("REMOTE_USER", "ada");
/// ```
pub struct TestRequest {
    vars: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl TestRequest {
    /// One more header.
    ///
    /// ```
    /// let request = prefork::test::get("/").header("Accept", "text/html");
    /// ```
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> TestRequest {
        let name = name.to_ascii_uppercase().replace('-', "_");
        match name.as_str() {
            "CONTENT_TYPE" | "CONTENT_LENGTH" => self.var(&name, value),
            _ => self.var(&format!("HTTP_{name}"), value),
        }
    }

    /// A variable, whatever stood there before.
    ///
    /// ```
    /// let request = prefork::test::get("/").var("HTTPS", "on");
    /// ```
    #[must_use]
    pub fn var(mut self, name: &str, value: impl Into<Vec<u8>>) -> TestRequest {
        self.vars.retain(|(known, _)| known != name);
        self.vars.push((name.to_owned(), value.into()));
        self
    }

    /// The body, with its length.
    ///
    /// ```
    /// let request = prefork::test::request("PUT", "/note").body("buy tea");
    /// ```
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> TestRequest {
        self.body = body.into();
        let length = self.body.len().to_string();
        self.var("CONTENT_LENGTH", length)
    }

    /// The answer of a function.
    ///
    /// ```
    /// # fn application(_req: &mut prefork::Request) -> &'static str { "hi" }
    /// assert_eq!(prefork::test::get("/").call(application).text(), "hi");
    /// ```
    ///
    /// # Panics
    ///
    /// When the function panics, or answers what cannot be sent.
    #[track_caller]
    pub fn call<R: IntoResponse>(self, application: impl Fn(&mut Request) -> R) -> TestResponse {
        // Never freed: so that nobody can keep a request that leads to memory of another one.
        let request: &'static TestRequest = Box::leak(Box::new(self));
        let pair =
            |(name, value): &(String, Vec<u8>)| Pair { name: Slice::of(name.as_bytes()), value: Slice::of(value) };
        let pairs: &'static mut [Pair] = Box::leak(request.vars.iter().map(pair).collect());
        let state = Box::leak(Box::new(State { unread: &request.body, ..State::default() }));
        let context: *mut State = state;
        let table = RequestTable {
            size: size_of::<RequestTable>(),
            context: context.cast(),
            vars: pairs.as_ptr(),
            vars_len: pairs.len(),
            head: Slice::of(b""),
            read: Some(read),
            begin: Some(begin),
            write: Some(write),
            fail: Some(fail),
        };
        // SAFETY: all of it is leaked; the functions below are the only ones that reach the state meanwhile.
        let code = unsafe { serve::handle(&table, application) };
        // SAFETY: nobody else does any more, for the call is over.
        let state = unsafe { &mut *context };
        if code != 0 {
            panic!("the function was called and did not answer: {}", state.failure);
        }
        TestResponse {
            status: std::mem::take(&mut state.status),
            headers: std::mem::take(&mut state.headers),
            body: std::mem::take(&mut state.body),
        }
    }
}

#[derive(Default)]
struct State {
    unread: &'static [u8],
    status: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    failure: String,
}

/// # Safety
/// `context` is a `State` that nobody else uses now; so in all of these.
unsafe extern "C" fn read(context: *mut c_void, into: *mut u8, len: usize) -> isize {
    // SAFETY: as above.
    let state = unsafe { &mut *context.cast::<State>() };
    let (now, later) = state.unread.split_at(len.min(state.unread.len()));
    // SAFETY: there is room for `len`.
    unsafe { into.copy_from_nonoverlapping(now.as_ptr(), now.len()) };
    state.unread = later;
    now.len() as isize
}

unsafe extern "C" fn begin(context: *mut c_void, status: Slice, headers: *const Pair, len: usize, _body: i64) -> i32 {
    // SAFETY: as above, and the pairs are there for this call.
    let (state, status, pairs) =
        unsafe { (&mut *context.cast::<State>(), status.bytes(), std::slice::from_raw_parts(headers, len)) };
    let breaks = |bytes: &[u8]| bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
    for pair in pairs {
        // SAFETY: as above.
        let (name, value) = unsafe { (pair.name.bytes(), pair.value.bytes()) };
        let odd = |byte: &u8| !byte.is_ascii_graphic() || b"()<>@,;:\\\"/[]?={}".contains(byte);
        if name.is_empty() || name.iter().any(odd) || breaks(value) {
            return -22; // EINVAL
        }
        state.headers.push((String::from_utf8_lossy(name).into_owned(), value.to_vec()));
    }
    state.status = String::from_utf8_lossy(status).into_owned();
    0
}

unsafe extern "C" fn write(context: *mut c_void, data: Slice) -> i32 {
    // SAFETY: as above.
    unsafe { (*context.cast::<State>()).body.extend_from_slice(data.bytes()) };
    0
}

unsafe extern "C" fn fail(context: *mut c_void, why: Slice) {
    // SAFETY: as above.
    unsafe { (*context.cast::<State>()).failure = String::from_utf8_lossy(why.bytes()).into_owned() };
}

/// What a function answered in a test.
///
/// ```
/// # fn application(_req: &mut prefork::Request) -> &'static str { "hi" }
/// let answer = prefork::test::get("/").call(application);
/// assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
/// ```
#[derive(Debug)]
pub struct TestResponse {
    status: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl TestResponse {
    /// The status.
    ///
    /// ```
    /// # fn application(_req: &mut prefork::Request) -> prefork::Response { prefork::Response::not_found() }
    /// assert_eq!(prefork::test::get("/").call(application).status(), 404);
    /// ```
    pub fn status(&self) -> u16 {
        self.status.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// The first header of this name, in any case.
    ///
    /// ```
    /// # fn application(_req: &mut prefork::Request) -> prefork::Response { prefork::Response::redirect("/") }
    /// assert_eq!(prefork::test::get("/").call(application).header("Location"), Some("/"));
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The body.
    ///
    /// ```
    /// # fn application(_req: &mut prefork::Request) -> Vec<u8> { vec![1, 2] }
    /// assert_eq!(prefork::test::get("/").call(application).bytes(), [1, 2]);
    /// ```
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    ///
    /// ```
    /// # fn application(_req: &mut prefork::Request) -> &'static str { "hi" }
    /// assert_eq!(prefork::test::get("/").call(application).text(), "hi");
    /// ```
    ///
    /// # Panics
    ///
    /// When it is no UTF-8.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}
