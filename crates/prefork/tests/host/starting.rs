//! What keeps the host from starting is said with where it is and what to do, and leaves nothing behind.

use crate::harness::{Host, classic, until};

/// Ends with this code, having said all of these.
fn fails(lines: &str, code: i32, said: &[&str]) {
    let mut host = Host::begin(lines);
    assert_eq!(host.ends(), Some(code), "{}", host.log());
    let log = host.log();
    for words in said {
        assert!(log.contains(words), "`{words}` is not said in:\n{log}");
    }
}

#[test]
fn a_missing_library() {
    fails("dlopen = @/libnone.so\nrust-fn = application\n", 22, &["libnone.so"]);
}

#[test]
fn a_missing_symbol() {
    let lines = format!("dlopen = {}\nrust-fn = aplication\n", crate::apps::classic().display());
    fails(&lines, 22, &["aplication", "application"]);
}

#[test]
fn a_library_of_another_compiler() {
    // The version the compiler left in the file, one digit later.
    let bytes = std::fs::read(crate::apps::classic()).unwrap();
    let at = bytes.windows(14).position(|piece| piece == b"rustc version ").expect("the compiler's name") + 14;
    let mut other = bytes;
    other[at] = b'9';
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libother.so");
    std::fs::write(&library, other).unwrap();
    let lines = format!("dlopen = {}\nrust-fn = application\n", library.display());
    fails(&lines, 22, &["libother.so", "rustc 9", "allow-rustc-mismatch"]);
    let host = Host::serving(&format!("{lines}allow-rustc-mismatch = true\n"));
    assert_eq!(host.get("/").text(), "Hello");
}

#[test]
fn what_is_no_library() {
    fails("dlopen = @/app.ini\nrust-fn = application\n", 22, &["app.ini"]);
    fails("dlopen = @\nrust-fn = application\n", 22, &[]);
}

#[test]
fn unknown_keys_come_with_their_line_and_what_was_meant() {
    fails("procesess = 4\n", 1, &["app.ini:3", "procesess", "processes"]);
}

#[test]
fn numbers_that_are_none() {
    for value in ["four", "-1", "99999999999999999999", "1.5", ""] {
        fails(&format!("processes = {value}\n{}", classic()), 1, &["app.ini:3", "processes"]);
    }
}

#[test]
fn files_that_include_each_other() {
    fails("ini = @/app.ini\n", 1, &["app.ini:3"]);
}

#[test]
fn every_worker_loads_by_itself_and_fails_by_itself() {
    fails("dlopen = @/libnone.so\nrust-fn = application\nlazy-apps = true\nprocesses = 2\n", 22, &["libnone.so"]);
}

#[test]
fn workers_go_to_another_folder_once_they_have_their_app() {
    for lazy in ["", "lazy-apps = true\n"] {
        let host = Host::serving(&format!("processes = 2\nchdir2 = /proc\n{lazy}{}", classic()));
        for worker in host.workers() {
            let folder = || std::fs::read_link(format!("/proc/{worker}/cwd")).unwrap();
            // The first to be ready answers for all.
            until("a worker's folder", || (folder().to_str() == Some("/proc")).then_some(()));
        }
    }
    fails(&format!("chdir2 = @/none\n{}", classic()), 22, &["/none (chdir2)", "No such file"]);
}

#[test]
fn a_port_that_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let lines = format!("{}http-socket = 127.0.0.1:{port}\n", classic());
    fails(&lines, 1, &[&format!("127.0.0.1:{port}"), "in use", &format!("(process {})", std::process::id())]);
}
