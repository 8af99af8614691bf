use crate::harness::{Shim, shell, until};
use serde_json::json;

#[test]
fn bad_lines_are_answered_and_good_ones_after_them_too() {
    let mut shim = Shim::start(shell("exec sleep 60", json!({})));
    let mut client = shim.client();
    for line in ["nonsense", "{}", "[]", r#"{"id":1}"#, r#"{"id":2,"verb":"dance"}"#, r#"{"verb":"status"}"#] {
        client.send_raw(format!("{line}\n").as_bytes());
        let answer = client.line().unwrap();
        assert_eq!((&answer["ok"], &answer["error"]["code"]), (&json!(false), &json!("bad_request")), "{line}");
    }
    client.send_raw(b"{\"id\":2,\"verb\":\"dance\"}\n");
    assert_eq!(client.line().unwrap()["id"], 2);
    assert_eq!(client.ask(json!({ "verb": "status" }))["ok"], true);
    shim.stop();
}

#[test]
fn a_line_without_end_is_refused_and_cut_off() {
    let mut shim = Shim::start(shell("exec sleep 60", json!({})));
    let mut client = shim.client();
    client.send_raw(&vec![b'x'; 66_000]);
    assert_eq!(client.line().unwrap()["error"]["code"], "bad_request");
    assert_eq!(client.line(), None);
    shim.stop();
}

#[test]
fn requests_may_come_in_pieces_and_in_heaps() {
    let mut shim = Shim::start(shell("exec sleep 60", json!({})));
    let mut client = shim.client();
    for byte in b"{\"id\":1,\"verb\":\"status\"}\n" {
        client.send_raw(&[*byte]);
    }
    assert_eq!(client.line().unwrap()["id"], 1);
    let heap: String = (2..102).map(|id| format!("{{\"id\":{id},\"verb\":\"status\"}}\n")).collect();
    client.send_raw(heap.as_bytes());
    for id in 2..102 {
        assert_eq!(client.line().unwrap()["id"], id);
    }
    // Without its newline, by one who then says no more: still a request.
    let mut last = shim.client();
    last.send_raw(b"{\"id\":5,\"verb\":\"status\"}");
    last.end();
    assert_eq!(last.line().unwrap()["id"], 5);
    assert_eq!(last.line(), None);
    shim.stop();
}

#[test]
fn random_bytes_do_no_harm() {
    let mut shim = Shim::start(shell("exec sleep 60", json!({})));
    // Small and repeatable: a xorshift with a fixed seed.
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let pieces = ["{\"id\":", "1", "\"verb\":", "\"stat", "us\"", "}", "\n", "[", "null", "{", ",", "\u{0}", "é"];
    for round in 0..200 {
        let mut client = shim.client();
        let mut bytes = Vec::new();
        for _ in 0..random() % 60 {
            if round % 2 == 0 {
                bytes.push(random() as u8);
            } else {
                bytes.extend_from_slice(pieces[random() as usize % pieces.len()].as_bytes());
            }
        }
        client.send_raw(&bytes);
        client.end();
        // Whatever is answered is whole lines of JSON, and then it ends.
        while client.line().is_some() {}
    }
    assert_eq!(shim.status()["state"], "ready");
    assert_eq!(shim.status()["restarts"], 0);
    shim.stop();
}

#[test]
fn many_watchers_are_told_the_same_and_a_deaf_one_holds_nobody_up() {
    let quick = json!({ "policy": "always", "backoff_initial_ms": 1, "backoff_max_ms": 1, "reset_after_ms": 5000, "crash_loop_after": 2 });
    let mut shim = Shim::start(shell("exit 1", json!({ "restart": quick })));
    let (_deaf, _) = shim.watcher();
    let mut watchers: Vec<_> = (0..20).map(|_| shim.watcher().0).collect();
    for watcher in &mut watchers {
        watcher.until(|status| status["restarts"].as_u64() >= Some(50));
    }
    shim.stop();
    for watcher in &mut watchers {
        assert_eq!(watcher.last_states().last().map(String::as_str), Some("stopped"));
    }
}

#[test]
fn signals_go_to_the_process() {
    // A read that never ends runs no other program, which would get the signal in the shell's place.
    let line = "trap 'echo got hup' HUP; echo up; while :; do read word <&1; done";
    let mut shim = Shim::start(shell(line, json!({})));
    until("the trap", || shim.log().contains(" out up").then_some(()));
    let mut client = shim.client();
    assert_eq!(client.ask(json!({ "verb": "signal", "signal": "HUP" }))["ok"], true);
    until("the signal", || shim.log().contains(" out got hup").then_some(()));
    assert_eq!(client.ask(json!({ "verb": "signal", "signal": "WAVE" }))["error"]["code"], "bad_request");
    shim.stop();
}

#[test]
fn a_second_shim_does_not_take_the_place_of_a_living_one() {
    let mut shim = Shim::start(shell("exec sleep 60", json!({})));
    let second = crate::harness::start_in(&shim.folder.0, shell("exec sleep 60", json!({})));
    assert_eq!(second["ok"], false);
    assert!(second["error"].as_str().unwrap().contains("another shim answers"), "{second}");
    assert_eq!(shim.status()["state"], "ready");
    shim.stop();
}
