//! Overlays on the stage, which only root can make.

use crate::harness::{Folder, SHIM, Shim};
use crate::sandbox::{UID, release, root_and_bwrap, sandboxed};
use nix::unistd::{Gid, Uid, chown};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Two layers below, and one that takes what is written.
struct Layers(Folder);

impl Layers {
    fn new() -> Layers {
        let layers = Layers(Folder::new());
        for name in ["first", "second", "upper", "work:with,signs\\"] {
            fs::create_dir(layers.path(name)).unwrap();
        }
        let ours = |name: &str| chown(&layers.path(name), Some(Uid::from_raw(UID)), Some(Gid::from_raw(UID))).unwrap();
        for (name, text) in [("first/both", "first\n"), ("second/both", "second\n"), ("second/deep", "second\n")] {
            fs::write(layers.path(name), text).unwrap();
            ours(name);
        }
        // The merged folder has the rights of the uppermost one.
        for name in ["first", "second", "upper"] {
            ours(name);
        }
        layers
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.0.join(name)
    }

    fn text(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    /// A sandbox that has them at /layers.
    fn spec(&self, release: &Path, line: &str) -> Value {
        let overlay = json!({
            "lower": [self.path("first"), self.path("second")],
            "upper": self.path("upper"), "work": self.path("work:with,signs\\")
        });
        let mounts = json!([{ "name": "app", "source": release }, { "name": "layers", "overlay": overlay }]);
        let mut spec = sandboxed(release, line, json!({ "stage": { "target": "/mnt", "mounts": mounts } }));
        let words = spec["command"].as_array_mut().unwrap();
        for (index, word) in ["--bind", "/mnt/layers", "/layers"].into_iter().enumerate() {
            words.insert(1 + index, json!(word));
        }
        spec
    }

    /// Nothing of it may be mounted where others see it.
    fn nothing_is_mounted(&self) -> bool {
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let own = self.0.0.to_str().unwrap();
        !table.contains(own) && !table.lines().any(|line| line.contains(" /mnt/layers "))
    }
}

const LINE: &str = "cat /layers/both /layers/deep; echo new > /layers/new; echo changed > /layers/both; rm /layers/deep; \
                    ls /layers; grep ' /layers ' /proc/self/mountinfo";

fn exec(spec: &Value) -> (Option<i32>, String) {
    let folder = Folder::new();
    fs::write(folder.0.join("spec.json"), spec.to_string()).unwrap();
    let output = Command::new("/bin/sh")
        .args(["-c", r#"exec "$0" exec 3< "$1" 2>&1"#, SHIM, folder.0.join("spec.json").to_str().unwrap()])
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn writes_go_to_the_uppermost_layer_alone() {
    if !root_and_bwrap() {
        return;
    }
    let (release, layers) = (release(), Layers::new());
    let (code, text) = exec(&layers.spec(&release.0, LINE));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("first\nsecond\nboth\nnew\n"), "{text}");
    let options = text.lines().last().unwrap();
    assert!(options.contains("nosuid") && options.contains("nodev") && options.contains(" overlay "), "{options}");
    assert_eq!(layers.text("first/both").as_deref(), Some("first\n"));
    assert_eq!(layers.text("second/both").as_deref(), Some("second\n"));
    assert_eq!(layers.text("second/deep").as_deref(), Some("second\n"));
    assert_eq!(layers.text("upper/both").as_deref(), Some("changed\n"));
    assert_eq!(layers.text("upper/new").as_deref(), Some("new\n"));
    assert!(!layers.path("first/new").exists());
    assert!(layers.nothing_is_mounted());
}

#[test]
fn a_supervised_process_has_the_same_and_keeps_it_over_a_restart() {
    if !root_and_bwrap() {
        return;
    }
    let (release, layers) = (release(), Layers::new());
    let line = "echo start >> /layers/starts; cat /layers/starts; exec sleep 61";
    let mut shim = Shim::start(layers.spec(&release.0, line));
    let first = shim.reach("ready");
    assert_eq!(first["warnings"], json!([]));
    crate::harness::until("the first start", || (layers.text("upper/starts")? == "start\n").then_some(()));
    assert!(layers.nothing_is_mounted());
    shim.client().ask(json!({ "verb": "restart" }));
    crate::harness::until("the second start", || (layers.text("upper/starts")? == "start\nstart\n").then_some(()));
    shim.stop();
    assert!(layers.nothing_is_mounted());
}

#[test]
fn layers_that_are_missing_or_of_another_kind_are_told() {
    if !root_and_bwrap() {
        return;
    }
    let (release, layers) = (release(), Layers::new());
    for (name, words) in [("missing", "No such file"), ("second/deep", "Not a directory")] {
        let mut spec = layers.spec(&release.0, "true");
        spec["stage"]["mounts"][1]["overlay"]["lower"][1] = json!(layers.path(name));
        let (code, text) = exec(&spec);
        assert!(text.starts_with("bloom-shim: stage an overlay on ") && text.contains(words), "{text}");
        assert_eq!((code, text.lines().count()), (Some(125), 1));
    }
}
