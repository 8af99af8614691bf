//! An app of the classic signature that does what its path says. Standard library only: `rustc` alone builds it.
#![allow(improper_ctypes_definitions)]

use std::collections::HashMap;
use std::time::Duration;

type Answer = (String, Vec<(String, String)>, Vec<Vec<u8>>);

#[unsafe(no_mangle)]
pub extern "C" fn application(environ: HashMap<&str, &str>) -> Answer {
    let path = environ.get("PATH_INFO").copied().unwrap_or("/");
    let (name, argument) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let number = || argument.parse::<u64>().unwrap_or(0);
    match name {
        "" => with("200 OK", &[("Content-Type", "text/plain"), ("Foo", "Bar")], vec![b"Hello".to_vec()]),
        "sleep" => {
            std::thread::sleep(Duration::from_millis(number()));
            text("slept")
        }
        "panic" => panic!("asked to panic"),
        "abort" => std::process::abort(),
        "segv" => {
            // SAFETY: not sound, and meant so: nothing is mapped there.
            unsafe { std::ptr::without_provenance_mut::<u32>(16).write_volatile(1) };
            text("still here")
        }
        "exit" => std::process::exit(3),
        "forever" => loop {
            std::thread::sleep(Duration::from_secs(3600));
        },
        "crlf" => with("200 OK", &[("X-Split", "a\r\nInjected: yes")], vec![b"split".to_vec()]),
        "noheaders" => with("200 OK", &[], vec![b"bare".to_vec()]),
        "empty" => with("200 OK", &[("Content-Type", "text/plain")], vec![]),
        "big" => with("200 OK", &[], vec![vec![b'x'; number() as usize]]),
        "pieces" => with("200 OK", &[], (0..number()).map(|_| b"piece\n".to_vec()).collect()),
        "status" => with(argument, &[], vec![]),
        "pid" => text(&std::process::id().to_string()),
        "env" => {
            let mut lines: Vec<String> = environ.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
            lines.sort();
            text(&lines.concat())
        }
        _ => with("404 Not Found", &[("Content-Type", "text/plain")], vec![b"no such path\n".to_vec()]),
    }
}

fn text(body: &str) -> Answer {
    with("200 OK", &[("Content-Type", "text/plain")], vec![body.as_bytes().to_vec()])
}

fn with(status: &str, headers: &[(&str, &str)], body: Vec<Vec<u8>>) -> Answer {
    let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    (status.to_string(), headers, body)
}
