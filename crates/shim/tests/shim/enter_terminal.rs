//! Commands with a terminal of their own. Skipped where bubblewrap does not work.

use crate::enter::{Guest, house, order};
use crate::harness::{Shim, descendants, is_alive, until};
use serde_json::{Value, json};

fn at_terminal(shim: &Shim, line: &str) -> Guest {
    Guest::start(&order(shim, line, json!({ "tty": { "rows": 24, "cols": 80 } })))
}

fn size(rows: u32, cols: u32) -> Value {
    json!({ "resize": { "rows": rows, "cols": cols } })
}

#[test]
fn it_is_the_sandboxs_own_and_the_controlling_one() {
    let Some((mut shim, _release)) = house(json!({})) else { return };
    let line = "tty; stty size; echo out; echo err >&2; exec 9< /dev/tty && echo controlled; \
                ls -1 /proc/self/fd; exit 5";
    let (code, text) = at_terminal(&shim, line).end();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[..5], ["/dev/pts/0", "24 80", "out", "err", "controlled"], "{text}");
    assert_eq!(code, Some(5));
    // Nothing of the host's end came along: its streams, the one opened above, and the listing's own.
    assert_eq!(lines[5..], ["0", "1", "2", "3", "9", ""], "{text}");
    shim.stop();
}

#[test]
fn what_is_typed_arrives_and_keys_are_signals() {
    let Some((mut shim, _release)) = house(json!({})) else { return };
    let mut guest = at_terminal(
        &shim,
        "trap 'echo interrupted' INT; read word; echo got $word; sh -c 'echo wait; exec sleep 30'; echo after; cat; exit 6",
    );
    guest.write("one\n");
    guest.until_said("got one\r\n");
    guest.until_said("wait\r\n");
    // Control-C, which ends what runs and not the shell that catches it.
    guest.write("\u{3}");
    guest.until_said("interrupted\r\nafter\r\n");
    // Control-D ends what reads.
    guest.write("line\n\u{4}");
    let (code, text) = guest.end();
    assert!(text.ends_with("line\r\nline\r\n"), "{text:?}");
    assert_eq!(code, Some(6));
    shim.stop();
}

#[test]
fn its_size_follows_the_caller() {
    let Some((mut shim, _release)) = house(json!({})) else { return };
    let mut guest = at_terminal(&shim, "trap 'stty size' WINCH; echo up; while [ ! -e /tmp/end ]; do sleep 0.02; done");
    guest.until_said("up\r\n");
    guest.tell(size(50, 132));
    guest.until_said("50 132\r\n");
    crate::enter::run(&order(&shim, "echo > /tmp/end", json!({})));
    assert_eq!(guest.end().0, Some(0));
    // A size that is told before there is a terminal counts as well.
    let mut early = at_terminal(&shim, "until [ \"$(stty size)\" = '10 20' ]; do sleep 0.02; done; exit 4");
    early.tell(size(10, 20));
    assert_eq!(early.end().0, Some(4));
    shim.stop();
}

#[test]
fn the_end_of_the_input_is_not_the_end_of_the_program() {
    let Some((mut shim, _release)) = house(json!({})) else { return };
    let mut guest = at_terminal(&shim, "echo up; while [ ! -e /tmp/end ]; do sleep 0.02; done; echo still there");
    drop(guest.stdin.take());
    guest.until_said("up\r\n");
    crate::enter::run(&order(&shim, "echo > /tmp/end", json!({})));
    guest.until_said("still there\r\n");
    assert_eq!(guest.end().0, Some(0));
    shim.stop();
}

#[test]
fn a_caller_that_lets_go_ends_what_is_interactive() {
    let Some((mut shim, _release)) = house(json!({})) else { return };
    let mut guest = at_terminal(&shim, "trap '' TERM HUP; (trap '' TERM HUP; echo up; sleep 62); sleep 62");
    guest.until_said("up\r\n");
    let tree = until("all of it", || Some(descendants(guest.process.id() as i32)).filter(|tree| tree.len() >= 3));
    drop(guest.control.take());
    assert_eq!(guest.end().0, Some(137));
    until("the end of all", || tree.iter().all(|pid| !is_alive(*pid)).then_some(()));
    // An interactive shell, which ignores TERM, goes at once, and with it what it has put into a group of its own.
    let mut guest = at_terminal(&shim, "echo up; exec sh -i -m");
    guest.until_said("up\r\n");
    guest.write("sleep 63\n");
    let tree = until("all of it", || Some(descendants(guest.process.id() as i32)).filter(|tree| tree.len() >= 3));
    let start = std::time::Instant::now();
    drop(guest.control.take());
    assert!(guest.end().0.is_some());
    assert!(start.elapsed().as_millis() < 1900, "it waited for the kill");
    until("the end of all", || tree.iter().all(|pid| !is_alive(*pid)).then_some(()));
    shim.stop();
}

#[test]
fn much_output_comes_whole() {
    let Some((mut shim, _release)) = house(json!({})) else { return };
    let (code, text) = at_terminal(&shim, "stty -opost; seq 1 200000").end();
    assert_eq!(code, Some(0));
    let expected: String = (1..=200_000).map(|number| format!("{number}\n")).collect();
    assert!(text == expected, "{} of {} bytes", text.len(), expected.len());
    shim.stop();
}
