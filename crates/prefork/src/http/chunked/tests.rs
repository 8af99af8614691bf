use super::*;
use crate::http::body::{Body, Framing};
use proptest::prelude::*;

/// Data, bytes consumed, and whether the body is over, of bytes that come in pieces ending at `cuts`.
fn decode(input: &[u8], cuts: &[usize], most: u64) -> Result<(Vec<u8>, usize, bool), u16> {
    let mut body = Body::new(Framing::Chunked, most);
    let mut data = Vec::new();
    let mut at = 0;
    for end in cuts.iter().copied().chain([input.len()]) {
        while at < end && !body.is_done() {
            let step = body.feed(&input[at..end]).map_err(|refusal| refusal.status)?;
            assert!(step.consumed > 0 && step.data.end <= step.consumed && step.done == body.is_done());
            data.extend_from_slice(&input[at..end][step.data]);
            at += step.consumed;
        }
    }
    assert_eq!(body.received(), data.len() as u64);
    Ok((data, at, body.is_done()))
}

#[test]
fn bodies_that_are_right() {
    for (body, data) in [
        ("0\r\n\r\n", ""),
        ("000\r\n\r\n", ""),
        ("5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n", "hello world"),
        ("0000000000000001\r\na\r\n0\r\n\r\n", "a"),
        ("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"),
        ("2;name=value;other=\"a b\"\r\nhi\r\n0;last\r\n\r\n", "hi"),
        ("2\r\nhi\r\n0\r\nTrailer: value\r\nX:\r\n\r\n", "hi"),
        ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
    ] {
        let input = format!("{body}GET / HTTP/1.1\r\n");
        let decoded = decode(input.as_bytes(), &[], 0);
        assert_eq!(decoded, Ok((data.as_bytes().to_vec(), body.len(), true)), "{body:?}");
    }
}

#[test]
fn bodies_that_are_refused() {
    let long = "x".repeat(10_000);
    let many = "1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\na\r\n".repeat(600);
    for (body, status) in [
        ("\r\n", 400),
        ("x\r\n", 400),
        (" 5\r\nhello\r\n", 400),
        ("5 \r\nhello\r\n", 400),
        ("5\t;x\r\nhello\r\n", 400),
        ("+5\r\nhello\r\n", 400),
        ("-1\r\n", 400),
        ("0x5\r\nhello\r\n", 400),
        ("5h\r\nhello\r\n", 400),
        (";x\r\n", 400),
        ("5\nhello\r\n", 400),
        ("5\rhello\r\n", 400),
        ("5\r\rhello\r\n", 400),
        ("5;x\nhello\r\n", 400),
        ("5;x\rhello\r\n", 400),
        ("5;\0\r\nhello\r\n", 400),
        ("5\r\nhello0\r\n\r\n", 400),
        ("5\r\nhello\n0\r\n\r\n", 400),
        ("5\r\nhello\r0\r\n\r\n", 400),
        ("4\r\nhello\r\n", 400),
        ("6\r\nhello\r\n0\r\n", 400),
        ("00000000000000005\r\nhello\r\n", 400),
        ("11111111111111111\r\n", 400),
        ("ffffffffffffffff\r\nx", 413),
        ("8000000000000000\r\nx", 413),
        ("5\r\nhello\r\n7ffffffffffffffb\r\nx", 413),
        ("0\r\n\n", 400),
        ("0\r\n\rX", 400),
        ("0\r\nX\r\n\r\n", 400),
        ("0\r\nX : y\r\n\r\n", 400),
        ("0\r\n: y\r\n\r\n", 400),
        ("0\r\n X: y\r\n\r\n", 400),
        ("0\r\nX: y\n\r\n", 400),
        ("0\r\nX: y\rZ", 400),
        ("0\r\nX: \0\r\n\r\n", 400),
        (&format!("5;{long}\r\n"), 400),
        (&many, 400),
        (&format!("0\r\nX: {long}\r\n\r\n"), 431),
        (&format!("0\r\n{}\r\n", "X: y\r\n".repeat(2000)), 431),
    ] {
        let decoded = decode(body.as_bytes(), &[], 0).map(|(_, _, done)| done);
        assert_eq!(decoded, Err(status), "{:?}", &body[..body.len().min(80)]);
    }
}

#[test]
fn a_body_has_no_more_bytes_than_allowed() {
    let input = b"5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n";
    assert_eq!(decode(input, &[], 10).map(|(data, _, _)| data), Ok(b"helloworld".to_vec()));
    assert_eq!(decode(input, &[], 9), Err(413));
    // Known from the size alone: nothing of the data has to come.
    assert_eq!(decode(b"b\r\n", &[], 10), Err(413));
}

#[test]
fn a_body_of_a_known_length_ends_there() {
    let mut body = Body::new(Framing::Length(7), 0);
    assert_eq!(body.feed(b""), Ok(Step { consumed: 0, data: 0..0, done: false }));
    assert_eq!(body.feed(b"hello"), Ok(Step { consumed: 5, data: 0..5, done: false }));
    assert_eq!(body.remaining(), Some(2));
    assert_eq!(body.feed(b", GET /"), Ok(Step { consumed: 2, data: 0..2, done: true }));
    assert_eq!(body.feed(b"GET /"), Ok(Step { consumed: 0, data: 0..0, done: true }));
    assert!(body.is_done() && body.received() == 7);
    assert!(Body::new(Framing::None, 0).is_done());
}

/// Bodies that are nearly right.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let size = prop::sample::select(vec!["0", "1", "5", "a", "00003", "ffffffffffffffff", "g", ""]);
    let extension = prop::sample::select(vec!["", "", "", ";x", ";x=\"y\"", " ", ";\n"]);
    let end = prop::sample::select(vec!["\r\n", "\r\n", "\r\n", "\n", "\r"]);
    let data = prop::sample::select(vec!["", "x", "abc", "hello", "0123456789"]);
    let chunk = (size, extension, end.clone(), data, end)
        .prop_map(|(size, extension, end, data, after)| format!("{size}{extension}{end}{data}{after}"));
    prop::collection::vec(chunk, 0..6)
        .prop_map(|chunks| format!("{}0\r\nX: y\r\n\r\nrest", chunks.concat()).into_bytes())
}

proptest! {
    #[test]
    fn any_bytes_are_borne(input in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&input, &[], 100);
    }

    #[test]
    fn pieces_come_to_the_same_as_the_whole(
        input in bodies(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        let whole = decode(&input, &[], 20);
        let every: Vec<usize> = (0..input.len()).collect();
        prop_assert_eq!(decode(&input, &cuts, 20), whole.clone());
        prop_assert_eq!(decode(&input, &every, 20), whole);
    }

    #[test]
    fn what_was_put_into_chunks_comes_out_and_nothing_after_it_is_touched(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8),
        rest in prop::collection::vec(any::<u8>(), 0..20),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut input = Vec::new();
        for piece in &pieces {
            crate::http::response::push_chunk(&mut input, piece);
        }
        input.extend_from_slice(crate::http::response::LAST_CHUNK);
        let len = input.len();
        input.extend_from_slice(&rest);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(decode(&input, &cuts, 0), Ok((pieces.concat(), len, true)));
    }
}
