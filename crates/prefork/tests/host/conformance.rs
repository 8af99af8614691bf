//! What others wrote about HTTP/1.1: gunicorn's examples of requests, replayed. Slow the first time: `pip` fetches them.

use crate::harness::{Host, safe};
use std::path::Path;
use std::process::{Command, Stdio};

/// Examples that are answered otherwise than gunicorn would, each for the reason in docs/http-conformance.md.
const OTHERWISE: [&str; 23] = [
    "invalid/003c",
    "invalid/006",
    "invalid/007",
    "invalid/008",
    "invalid/009",
    "invalid/010",
    "invalid/011",
    "invalid/012",
    "invalid/017",
    "invalid/019",
    "invalid/040",
    "invalid/chunked_07",
    "valid/009",
    "valid/025",
    "valid/025_line",
    "valid/028",
    "valid/029",
    "valid/030",
    "valid/099",
    "valid/compat_obs_fold",
    "valid/compat_obs_fold_huge",
    "valid/pp_01",
    "valid/pp_02",
];

#[test]
fn gunicorn_s_examples_are_answered_as_the_documentation_says() {
    let python = |arguments: &[&str]| Command::new("python3").args(arguments).stdout(Stdio::null()).status();
    if !python(&["-c", "import ensurepip, venv"]).is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no python3 with venv");
        return;
    }
    let host = Host::serving(&format!("http-headers-timeout = 2\nsocket-timeout = 2\n{}", safe()));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/http-conformance.py");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("http-conformance");
    std::fs::create_dir_all(&folder).unwrap();
    let address = format!("http://{}", host.address());
    let done = Command::new("python3").arg(script).arg(address).arg(folder).arg("--examples").output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
    let (others, count) = said.trim_end().rsplit_once('\n').unwrap();
    let mut names: Vec<&str> = others.lines().map(|line| line.split(' ').next().unwrap()).collect();
    names.sort_unstable();
    assert_eq!((names.as_slice(), count), (OTHERWISE.as_slice(), "examples 98"), "{said}");
}
