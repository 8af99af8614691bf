//! Numbers and chunks as they are sent.

/// What ends a body in chunks.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Appends a piece of a body as a chunk; an empty piece is none, for an empty chunk is the last one.
pub fn push_chunk(out: &mut Vec<u8>, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    let mut space = [0; 18];
    out.extend_from_slice(chunk_head(data.len() as u64, &mut space));
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

/// What stands before the data of a chunk; CR LF stands after it.
pub fn chunk_head(len: u64, space: &mut [u8; 18]) -> &[u8] {
    space[16..].copy_from_slice(b"\r\n");
    let mut at = 16;
    let mut rest = len;
    loop {
        at -= 1;
        space[at] = b"0123456789abcdef"[(rest & 15) as usize];
        rest >>= 4;
        if rest == 0 {
            return &space[at..];
        }
    }
}

/// The digits of a number.
pub(super) fn decimal(number: u64, space: &mut [u8; 20]) -> &[u8] {
    let mut at = space.len();
    let mut rest = number;
    loop {
        at -= 1;
        space[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return &space[at..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::Body;
    use crate::http::request::Framing;

    #[test]
    fn numbers_are_written_out() {
        for number in [0, 1, 9, 10, 255, 65_536, u64::MAX] {
            assert_eq!(decimal(number, &mut [0; 20]), number.to_string().as_bytes());
            assert_eq!(chunk_head(number, &mut [0; 18]), format!("{number:x}\r\n").as_bytes());
        }
    }

    #[test]
    fn chunks_are_what_a_decoder_takes_apart() {
        let mut sent = Vec::new();
        for piece in [&b"a piece"[..], b"", &[b'x'; 70_000]] {
            push_chunk(&mut sent, piece);
        }
        assert!(sent.starts_with(b"7\r\na piece\r\n11170\r\nxxx"));
        sent.extend_from_slice(LAST_CHUNK);
        let mut body = Body::new(Framing::Chunked, 0);
        let mut at = 0;
        while !body.is_done() {
            at += body.feed(&sent[at..]).unwrap().consumed;
        }
        assert_eq!((at, body.received()), (sent.len(), 70_007));
    }
}
