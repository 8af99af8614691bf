//! The signature of the first Rust apps under uWSGI, as today's Rust writes it: a map of variables in; status, headers
//! and the pieces of a body out.
#![allow(improper_ctypes_definitions)] // The host checks that both sides come from one compiler.

use std::collections::HashMap;

type Answer = (String, Vec<(String, String)>, Vec<Vec<u8>>);

#[unsafe(no_mangle)]
pub extern "C" fn application(environ: HashMap<&str, &str>) -> Answer {
    let path = environ.get("PATH_INFO").copied().unwrap_or("/");
    let agent = environ.get("HTTP_USER_AGENT").copied().unwrap_or("nobody");
    let headers = vec![("Content-Type".to_owned(), "text/plain; charset=utf-8".to_owned())];
    if path != "/" {
        return ("404 Not Found".to_owned(), headers, vec![format!("there is no {path}\n").into_bytes()]);
    }
    ("200 OK".to_owned(), headers, vec![b"Hello, ".to_vec(), agent.as_bytes().to_vec(), b"\n".to_vec()])
}
