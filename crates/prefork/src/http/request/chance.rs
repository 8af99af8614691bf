use super::tests::{LIMITS, parse};
use super::*;
use proptest::prelude::*;

/// What becomes of bytes that come in pieces, ending at `cuts` and at the end.
fn parse_in_pieces(buf: &[u8], cuts: &[usize], skip: bool) -> Result<Option<Head>, u16> {
    let mut seen = 0;
    for end in cuts.iter().copied().chain([buf.len()]) {
        let known = &buf[..end];
        if skip && !worth_parsing(known, seen, &LIMITS) {
            continue;
        }
        match parse(known) {
            Ok(None) => seen = end,
            other => return other,
        }
    }
    Ok(None)
}

/// Requests, good and bad, from parts that were put together by chance.
fn requests() -> impl Strategy<Value = Vec<u8>> {
    let method = prop::sample::select(vec!["GET", "POST", "HEAD", "OPTIONS", "CONNECT", "G T", ""]);
    let target = prop::sample::select(vec!["/", "/a?b", "*", "http://h/x", "x", "/\u{e4}", "/%zz", "/a b"]);
    let version = prop::sample::select(vec!["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/1.1 ", "", "http/1.1"]);
    let line = prop::sample::select(vec![
        "Host: a\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "X: y\r\n",
        "X : y\r\n",
        " folded\r\n",
        "Y: z\n",
        "Connection: close\r\n",
        "Expect: 100-continue\r\n",
    ]);
    let empty = prop::sample::select(vec!["", "", "", "\r\n", "\r\n\r\n", "\r\n\r\n\r\n"]);
    let parts = (empty, method, target, version, prop::collection::vec(line, 0..8), any::<bool>());
    parts.prop_map(|(empty, method, target, version, lines, host)| {
        let host = if host { "Host: b\r\n" } else { "" };
        format!("{empty}{method} {target} {version}\r\n{host}{}\r\nrest of it", lines.concat()).into_bytes()
    })
}

fn changed(mut buf: Vec<u8>, changes: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    for (at, byte) in changes {
        let at = at.index(buf.len());
        buf[at] = *byte;
    }
    buf
}

proptest! {
    #[test]
    fn any_bytes_are_borne(buf in prop::collection::vec(any::<u8>(), 0..2000)) {
        if let Ok(Some(head)) = parse(&buf) {
            prop_assert!(head.len <= buf.len());
        }
    }

    #[test]
    fn pieces_come_to_the_same_as_the_whole(
        buf in requests(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let buf = changed(buf, &changes);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(buf.len() + 1)).collect();
        cuts.sort_unstable();
        let whole = parse(&buf);
        prop_assert_eq!(&parse_in_pieces(&buf, &cuts, false), &whole);
        let every: Vec<usize> = (0..buf.len()).collect();
        prop_assert_eq!(&parse_in_pieces(&buf, &every, false), &whole);
        // Skipping may find a fault later, with the end of its line, and a whole head never.
        let skipping = parse_in_pieces(&buf, &every, true);
        prop_assert!(skipping == whole || (skipping == Ok(None) && whole.is_err()), "{:?} {:?}", skipping, whole);
    }

    #[test]
    fn a_whole_head_has_no_bare_line_feed_and_one_host(
        buf in requests(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"\r\n :\0a".to_vec())), 0..3),
    ) {
        let buf = changed(buf, &changes);
        if let Ok(Some(head)) = parse(&buf) {
            let bytes = &buf[..head.len];
            for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
                prop_assert!(at > 0 && bytes[at - 1] == b'\r');
            }
            let hosts = head.headers.iter().filter(|(name, _)| name.get(&buf).eq_ignore_ascii_case(b"host")).count();
            prop_assert!(hosts == 1 || (hosts == 0 && head.minor == 0));
        }
    }
}
