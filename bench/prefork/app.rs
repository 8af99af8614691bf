//! The app of both sides: a map of variables in, a greeting with two headers out.
#![allow(improper_ctypes_definitions)] // Both sides of the call come from one compiler.

use std::collections::HashMap;

pub type Answer = (String, Vec<(String, String)>, Vec<Vec<u8>>);

#[unsafe(no_mangle)]
pub extern "C" fn application(environ: HashMap<&str, &str>) -> Answer {
    std::hint::black_box(&environ);
    let headers = vec![("Content-Type".to_owned(), "text/plain".to_owned()), ("Foo".to_owned(), "Bar".to_owned())];
    ("200 OK".to_owned(), headers, vec![b"Hello".to_vec()])
}
