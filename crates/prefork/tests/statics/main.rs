//! Files from real folders, found as requests would find them.

mod safety;
mod tree;

use bloom_prefork::settings::StaticSettings;
use bloom_prefork::statics::Files;
use std::path::{Path, PathBuf};
use tree::{Tree, ask_with, body_at, get, header, text};

#[test]
fn a_file_comes_with_its_type_length_and_state() {
    let tree = Tree::new(&["www/a.css"]);
    let answer = get(&Files::new(&tree.mapped("/static")).unwrap(), "/static/a.css").unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(header(&answer, "Content-Type"), Some("text/css"));
    assert_eq!(header(&answer, "Content-Length"), Some("16"));
    assert_eq!(header(&answer, "Accept-Ranges"), Some("bytes"));
    assert!(header(&answer, "ETag").unwrap().starts_with('"'));
    assert!(httpdate::parse_http_date(header(&answer, "Last-Modified").unwrap()).is_ok());
    assert_eq!(header(&answer, "Vary"), None);
    assert_eq!(text(answer), "inside www/a.css");
}

#[test]
fn mount_points_are_whole_segments_and_the_longest_wins() {
    let tree = Tree::new(&["www/x.txt", "www/images/x.txt", "other/x.txt", "other/y.txt", "more/z.txt"]);
    let mut settings = tree.mapped("/static/");
    settings.maps.push(("/static/images".to_owned(), tree.path("other")));
    settings.maps.push(("static/images/".to_owned(), tree.path("more")));
    let files = Files::new(&settings).unwrap();
    assert_eq!(body_at(&files, "/static/x.txt").unwrap(), "inside www/x.txt");
    assert_eq!(body_at(&files, "//static//x.txt").unwrap(), "inside www/x.txt");
    assert_eq!(body_at(&files, "/static/images/x.txt").unwrap(), "inside other/x.txt");
    assert_eq!(body_at(&files, "/static/images/z.txt").unwrap(), "inside more/z.txt");
    for path in ["/staticx/x.txt", "/stati", "/x.txt", "/static", "/static/images/none.txt", "/static/x.txt/"] {
        assert!(get(&files, path).is_none(), "{path}");
    }
}

#[test]
fn a_mount_may_be_one_file_and_a_whole_map_keeps_the_mount() {
    let tree = Tree::new(&["www/icon.png", "www/assets/a.js"]);
    let mut settings = StaticSettings::default();
    settings.maps.push(("/favicon.ico".to_owned(), tree.path("www/icon.png")));
    settings.whole_maps.push(("/assets".to_owned(), tree.path("www")));
    let files = Files::new(&settings).unwrap();
    let icon = get(&files, "/favicon.ico").unwrap();
    assert_eq!(header(&icon, "Content-Type"), Some("image/png"));
    assert_eq!(text(icon), "inside www/icon.png");
    assert!(get(&files, "/favicon.ico/more").is_none());
    assert_eq!(body_at(&files, "/assets/a.js").unwrap(), "inside www/assets/a.js");
    assert!(get(&files, "/icon.png").is_none());
}

#[test]
fn overlays_serve_what_is_there_and_leave_the_rest_to_the_app() {
    let tree = Tree::new(&["www/robots.txt", "second/late.txt", "www/static/only-here.txt"]);
    let mut settings = tree.overlay();
    settings.overlays.push(tree.path("second"));
    settings.maps.push(("/static".to_owned(), tree.path("second")));
    let files = Files::new(&settings).unwrap();
    assert_eq!(body_at(&files, "/robots.txt").unwrap(), "inside www/robots.txt");
    assert_eq!(body_at(&files, "/late.txt").unwrap(), "inside second/late.txt");
    assert_eq!(body_at(&files, "/static/late.txt").unwrap(), "inside second/late.txt");
    assert_eq!(body_at(&files, "/static/only-here.txt").unwrap(), "inside www/static/only-here.txt");
    assert!(get(&files, "/").is_none());
    assert!(get(&files, "/app").is_none());
    assert!(ask_with(&files, "POST", b"/robots.txt", &[]).0.is_none());
}

#[test]
fn folders_have_an_index_at_the_address_with_a_slash() {
    let tree = Tree::new(&["www/docs/index.htm", "www/index.html", "www/bare/x"]);
    let mut settings = tree.overlay();
    settings.indexes = vec!["index.html".to_owned(), "index.htm".to_owned()];
    let files = Files::new(&settings).unwrap();
    assert_eq!(body_at(&files, "/").unwrap(), "inside www/index.html");
    assert_eq!(body_at(&files, "/docs/").unwrap(), "inside www/docs/index.htm");
    let moved = get(&files, "/docs").unwrap();
    assert_eq!((moved.status, header(&moved, "Location")), (301, Some("/docs/?q=1")));
    assert!(get(&files, "/bare/").is_none());
}

#[test]
fn endings_may_be_left_to_the_app() {
    let tree = Tree::new(&["www/a.php", "www/a.txt"]);
    let mut settings = tree.overlay();
    settings.skip = vec![".php".to_owned()];
    let files = Files::new(&settings).unwrap();
    assert!(get(&files, "/a.php").is_none());
    assert!(get(&files, "/a.txt").is_some());
}

#[test]
fn who_has_the_file_already_gets_304() {
    let tree = Tree::new(&["www/a.html"]);
    let files = Files::new(&tree.overlay()).unwrap();
    let first = get(&files, "/a.html").unwrap();
    let tag = header(&first, "ETag").unwrap().to_owned();
    let date = header(&first, "Last-Modified").unwrap().to_owned();
    for given in [("if-none-match", tag.as_str()), ("if-modified-since", date.as_str())] {
        let answer = ask_with(&files, "GET", b"/a.html", &[given]).0.unwrap();
        assert_eq!(answer.status, 304);
        assert!(answer.body.is_none());
        assert_eq!(header(&answer, "ETag"), Some(tag.as_str()));
        assert_eq!(header(&answer, "Content-Length"), None);
    }
    let both = [("if-none-match", "\"other\""), ("if-modified-since", date.as_str())];
    assert_eq!(ask_with(&files, "GET", b"/a.html", &both).0.unwrap().status, 200);
    tree.write("www/a.html", "something else");
    assert_eq!(ask_with(&files, "GET", b"/a.html", &[("if-none-match", &tag)]).0.unwrap().status, 200);
}

#[test]
fn parts_of_a_file() {
    let tree = Tree::new(&[]);
    tree.write("www/a.txt", "0123456789");
    tree.write("www/empty", "");
    let files = Files::new(&tree.overlay()).unwrap();
    let part = |headers: &[(&str, &str)]| ask_with(&files, "GET", b"/a.txt", headers).0.unwrap();
    let answer = part(&[("range", "bytes=2-4")]);
    assert_eq!((answer.status, header(&answer, "Content-Range")), (206, Some("bytes 2-4/10")));
    assert_eq!(header(&answer, "Content-Length"), Some("3"));
    assert_eq!(text(answer), "234");
    assert_eq!(text(part(&[("range", "bytes=-2")])), "89");
    assert_eq!(text(part(&[("range", "bytes=7-")])), "789");
    assert_eq!(text(part(&[("range", "bytes=0-1,3-4")])), "0123456789");
    assert_eq!(text(part(&[("range", "bytes=2-4"), ("if-range", "\"old\"")])), "0123456789");
    let tag = header(&part(&[]), "ETag").unwrap().to_owned();
    assert_eq!(text(part(&[("range", "bytes=2-4"), ("if-range", &tag)])), "234");
    let beyond = part(&[("range", "bytes=10-")]);
    assert_eq!((beyond.status, header(&beyond, "Content-Range")), (416, Some("bytes */10")));
    assert!(beyond.body.is_none());
    let empty = get(&files, "/empty").unwrap();
    assert_eq!((empty.status, header(&empty, "Content-Length")), (200, Some("0")));
    assert!(empty.body.is_none());
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let tree = Tree::new(&["www/a.txt"]);
    let files = Files::new(&tree.overlay()).unwrap();
    let answer = ask_with(&files, "HEAD", b"/a.txt", &[("range", "bytes=0-1")]).0.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.body.is_none());
    assert_eq!(answer.headers, get(&files, "/a.txt").unwrap().headers);
}

#[test]
fn compressed_files_beside_are_preferred_as_the_client_wishes() {
    let tree = Tree::new(&["www/a.js", "www/a.js.br", "www/a.js.gz", "www/b.js", "www/b.js.gz"]);
    let files = Files::new(&StaticSettings { precompressed: true, ..tree.overlay() }).unwrap();
    let with =
        |path: &str, accepted: &str| ask_with(&files, "GET", path.as_bytes(), &[("accept-encoding", accepted)]).0;
    let answer = with("/a.js", "gzip, br").unwrap();
    assert_eq!(header(&answer, "Content-Encoding"), Some("br"));
    assert_eq!(header(&answer, "Vary"), Some("Accept-Encoding"));
    assert_eq!(header(&answer, "Content-Type"), Some("text/javascript"));
    assert_eq!(text(answer), "inside www/a.js.br");
    assert_eq!(text(with("/a.js", "gzip;q=1, br;q=0.2").unwrap()), "inside www/a.js.gz");
    assert_eq!(text(with("/b.js", "br, gzip").unwrap()), "inside www/b.js.gz");
    let plain = with("/a.js", "br;q=0").unwrap();
    assert_eq!((header(&plain, "Content-Encoding"), header(&plain, "Vary")), (None, Some("Accept-Encoding")));
    assert_eq!(text(plain), "inside www/a.js");
}

#[test]
fn expiry_is_by_pattern() {
    let tree = Tree::new(&["www/a.css", "www/a.txt"]);
    let files = Files::new(&StaticSettings { expires: vec![(r"\.css$".to_owned(), 60)], ..tree.overlay() }).unwrap();
    assert_eq!(header(&get(&files, "/a.css").unwrap(), "Cache-Control"), Some("max-age=60"));
    assert!(header(&get(&files, "/a.css").unwrap(), "Expires").is_some());
    assert_eq!(header(&get(&files, "/a.txt").unwrap(), "Cache-Control"), None);
}

#[test]
fn every_problem_of_the_settings_is_named() {
    let missing = Path::new("/nowhere/at/all").to_owned();
    let settings = StaticSettings {
        maps: vec![("/a".to_owned(), missing.clone()), ("/../b".to_owned(), PathBuf::from("/"))],
        whole_maps: vec![("/c".to_owned(), PathBuf::from("/dev/null"))],
        overlays: vec![missing.clone()],
        safe: vec![missing.clone()],
        mime_files: vec![missing],
        expires: vec![("(".to_owned(), 1)],
        indexes: vec!["../x".to_owned()],
        ..StaticSettings::default()
    };
    let problems = Files::new(&settings).unwrap_err().problems;
    let options = ["static-map = /a=", "static-map = /../b", "static-map2 = /c", "check-static = ", "static-safe = "];
    for option in options.into_iter().chain(["static-index = ../x", "mime-file = ", "static-expires = ("]) {
        assert!(problems.iter().any(|problem| problem.starts_with(option)), "{option}: {problems:#?}");
    }
    assert_eq!(problems.len(), 8);
}
