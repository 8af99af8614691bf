use crate::harness::{Folder, SHIM, is_alive, read_pids, until};
use serde_json::{Value, json};
use std::process::{Command, Output, Stdio};

fn exec_spec(command: &[&str], changes: Value) -> Value {
    let mut spec = json!({
        "protocol": 1, "id": "b-1", "sandbox": "none", "command": command, "env": { "PATH": "/usr/bin:/bin", "WORD": "hello" },
        "user": null, "netns": null, "stage": null, "cgroups": [], "rlimits": { "core": 0, "nofile": 123 },
        "nice": 3, "seccomp": false
    });
    for (key, value) in changes.as_object().unwrap() {
        spec[key] = value.clone();
    }
    spec
}

/// `exec 3< spec` by a shell, which is the simplest parent with a descriptor 3.
fn command(folder: &Folder, spec: &Value) -> Command {
    let path = folder.0.join("spec.json");
    std::fs::write(&path, spec.to_string()).unwrap();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", r#"exec "$0" exec 3< "$1""#, SHIM, path.to_str().unwrap()]);
    command
}

fn run(spec: &Value) -> Output {
    command(&Folder::new(), spec).output().unwrap()
}

#[test]
fn becomes_the_command_with_its_limits_and_nothing_else() {
    let line = "echo $WORD; ulimit -n; ulimit -c; nice; umask; ls /proc/self/fd; cat; exit 9";
    let spec = exec_spec(&["/bin/sh", "-c", line], json!({}));
    let folder = Folder::new();
    let output = command(&folder, &spec).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(9));
    let text = String::from_utf8(output.stdout).unwrap();
    // Descriptor 3 is the listing's own.
    assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["hello", "123", "0", "3", "0022", "0", "1", "2", "3"]);
}

#[test]
fn what_cannot_be_set_up_is_told_in_one_line() {
    let cases = [
        (exec_spec(&["/no/such/program"], json!({})), "bloom-shim: run /no/such/program: "),
        (exec_spec(&["/bin/true"], json!({ "netns": "/no/such" })), "bloom-shim: open /no/such: "),
        (exec_spec(&["/bin/true"], json!({ "colour": "red" })), "bloom-shim: understand the spec: unknown field"),
        (json!("nonsense"), "bloom-shim: understand the spec: "),
    ];
    for (spec, words) in cases {
        let output = run(&spec);
        assert_eq!(output.status.code(), Some(125));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with(words) && text.lines().count() == 1, "{text}");
    }
    let none = Command::new(SHIM).arg("exec").output().unwrap();
    assert_eq!(none.status.code(), Some(125));
}

#[test]
fn dies_with_its_parent() {
    let folder = Folder::new();
    let pids = folder.0.join("pids");
    let line = format!("echo $$ > {}; exec sleep 60", pids.display());
    let spec = exec_spec(&["/bin/sh", "-c", &line], json!({}));
    std::fs::write(folder.0.join("spec.json"), spec.to_string()).unwrap();
    // The shell stays as the parent, because something follows.
    let mut parent = Command::new("/bin/sh")
        .args(["-c", r#""$0" exec 3< "$1"; true"#, SHIM, folder.0.join("spec.json").to_str().unwrap()])
        .spawn()
        .unwrap();
    let pid = read_pids(&pids, 1)[0];
    assert!(is_alive(pid));
    parent.kill().unwrap();
    parent.wait().unwrap();
    until("its end", || (!is_alive(pid)).then_some(()));
}
