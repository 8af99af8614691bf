//! What must never be served, or waited for.

use crate::tree::{Tree, ask_with, body_at, get, text};
use bloom_prefork::settings::StaticSettings;
use bloom_prefork::statics::Files;
use proptest::prelude::*;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

#[test]
fn links_lead_inside_or_into_safe_folders_and_are_named_otherwise() {
    let tree = Tree::new(&["www/real.txt", "www/folder/deep.txt", "shared/s.txt"]);
    symlink("real.txt", tree.path("www/near")).unwrap();
    symlink(tree.path("www/real.txt"), tree.path("www/absolute")).unwrap();
    symlink("../shared", tree.path("www/shared")).unwrap();
    symlink("../secret.txt", tree.path("www/out")).unwrap();
    symlink("/proc/self/root/etc/passwd", tree.path("www/magic")).unwrap();
    symlink("loop", tree.path("www/loop")).unwrap();
    let files = Files::new(&tree.overlay()).unwrap();
    assert_eq!(body_at(&files, "/near").unwrap(), "inside www/real.txt");
    assert_eq!(body_at(&files, "/absolute").unwrap(), "inside www/real.txt");
    for path in ["/out", "/shared/s.txt", "/magic"] {
        let (answer, said) = ask_with(&files, "GET", path.as_bytes(), &[]);
        assert!(answer.is_none(), "{path}");
        assert!(said[0].contains(path) && said[0].contains("static-safe"), "{said:?}");
    }
    let (answer, said) = ask_with(&files, "GET", b"/loop", &[]);
    assert!(answer.is_none() && said.is_empty());

    let safe = Files::new(&StaticSettings { safe: vec![tree.path("shared")], ..tree.overlay() }).unwrap();
    assert_eq!(body_at(&safe, "/shared/s.txt").unwrap(), "inside shared/s.txt");
    assert!(get(&safe, "/out").is_none());
}

#[test]
fn what_is_no_file_is_never_waited_for() {
    let tree = Tree::new(&["www/a.txt"]);
    nix::unistd::mkfifo(&tree.path("www/pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(tree.path("www/socket")).unwrap();
    let files = Files::new(&StaticSettings { safe: vec![PathBuf::from("/dev")], ..tree.overlay() }).unwrap();
    symlink("/dev/zero", tree.path("www/zero")).unwrap();
    for path in ["/pipe", "/socket", "/zero", "/a.txt/b", &format!("/{}", "x".repeat(5000))] {
        let (answer, said) = ask_with(&files, "GET", path.as_bytes(), &[]);
        assert!(answer.is_none() && said.is_empty(), "{path} {said:?}");
    }
    assert!(ask_with(&files, "GET", b"/a.txt\0", &[]).0.is_none());
}

#[test]
fn rights_are_needed_for_files_and_not_for_the_list_of_a_folder() {
    use std::os::unix::fs::PermissionsExt;
    let tree = Tree::new(&["www/a.txt", "www/list/index.html", "www/closed/b.txt"]);
    let files = Files::new(&StaticSettings { indexes: vec!["index.html".to_owned()], ..tree.overlay() }).unwrap();
    for (name, mode) in [("www", 0o711), ("www/a.txt", 0o000), ("www/list", 0o311), ("www/closed", 0o000)] {
        fs::set_permissions(tree.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    // A thread of its own is another user to the file system, where the tests are run by one who may read everything.
    let ask = || {
        nix::unistd::setfsuid(nix::unistd::Uid::from_raw(65534));
        [b"/a.txt".as_slice(), b"/list/", b"/closed/b.txt", b"/list"].map(|path| {
            let (answer, said) = ask_with(&files, "GET", path, &[]);
            (answer.unwrap().status, said.len())
        })
    };
    let seen = std::thread::scope(|scope| scope.spawn(ask).join().unwrap());
    fs::set_permissions(tree.path("www/closed"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(seen, [(403, 1), (200, 0), (403, 1), (301, 0)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever links there are and whatever is asked for: only what lies inside is served.
    #[test]
    fn nothing_outside_is_ever_served(
        links in proptest::collection::vec(("[abc]", "(\\.\\./|/|d/|b/|out/|\\./){0,4}(secret\\.txt|www|d|b|out|f)?"), 0..6),
        paths in proptest::collection::vec("(/|\\.\\./|\\./|a|b|c|f|out|secret\\.txt|www|\\\\|\u{0}){1,8}", 40),
    ) {
        let tree = Tree::new(&["www/f", "www/d/f", "www/e/f"]);
        tree.write("out/f", "outside");
        for (index, (name, target)) in links.iter().enumerate() {
            let folder = ["www", "www/d", "www/e"][index % 3];
            let absolute = tree.path(target.trim_matches('/')).display().to_string();
            let target = if index % 2 == 0 { format!("./{target}") } else { absolute };
            // A second link of the same name is not made.
            let _ = symlink(target, tree.path(folder).join(name));
        }
        let files = Files::new(&tree.overlay()).unwrap();
        for path in paths {
            for path in [path.clone(), format!("/{path}"), format!("/d/{path}")] {
                if let Some(answer) = get(&files, &path) {
                    prop_assert!(text(answer).starts_with("inside www/"), "{path:?} {links:?}");
                }
            }
        }
    }
}
