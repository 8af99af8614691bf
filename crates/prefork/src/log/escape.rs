//! Bytes of clients in a log: nothing in them may look like the end of a line, of a quoted word, or a command for a
//! terminal.

/// What a value is written as at most; more is cut and marked. Keeps a line below what a pipe takes at once.
const LONGEST: usize = 2048;
const CUT: &[u8] = b"...";

fn push_byte(into: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' | b'\\' => into.extend_from_slice(&[b'\\', byte]),
        0x20..=0x7e => into.push(byte),
        _ => into.extend_from_slice(&[b'\\', b'x', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
    }
}

/// A value that may hold spaces.
pub fn push_value(into: &mut Vec<u8>, value: &[u8]) {
    let begin = into.len();
    for &byte in value {
        if into.len() - begin >= LONGEST {
            into.extend_from_slice(CUT);
            return;
        }
        push_byte(into, byte);
    }
}

/// A value that ends at the first space for whoever reads the line: its own spaces are written `\x20`.
pub fn push_word(into: &mut Vec<u8>, value: &[u8]) {
    let begin = into.len();
    for &byte in value {
        if into.len() - begin >= LONGEST {
            into.extend_from_slice(CUT);
            return;
        }
        match byte {
            b' ' => into.extend_from_slice(b"\\x20"),
            _ => push_byte(into, byte),
        }
    }
}

/// Text of the host itself: as it is, but for control bytes other than newlines and tabs.
pub fn push_text(into: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        match byte {
            b'\n' | b'\t' => into.push(byte),
            0..=0x1f | 0x7f => push_byte(into, byte),
            _ => into.push(byte),
        }
    }
}

/// Bytes of a client, for use within a line of the host.
pub fn escaped(value: &[u8]) -> String {
    let mut into = Vec::with_capacity(value.len());
    push_value(&mut into, value);
    String::from_utf8_lossy(&into).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn says_what_it_cannot_show() {
        assert_eq!(escaped(b"a \"b\" \\ \n\x1b[31m \xff"), r#"a \"b\" \\ \x0a\x1b[31m \xff"#);
        let mut word = Vec::new();
        push_word(&mut word, b"1.2.3.4 () {");
        assert_eq!(word, br"1.2.3.4\x20()\x20{");
        let mut text = Vec::new();
        push_text(&mut text, "two\nlines \u{e9} \x1b[0m".as_bytes());
        assert_eq!(text, "two\nlines \u{e9} \\x1b[0m".as_bytes());
    }

    #[test]
    fn cuts_what_is_long() {
        let long = escaped(&[b'a'; 5000]);
        assert_eq!(long.len(), LONGEST + 3);
        assert!(long.ends_with("a..."));
        assert!(escaped(&[0; 5000]).len() <= LONGEST + 3);
    }

    proptest! {
        #[test]
        fn never_ends_a_line_or_a_quote(value: Vec<u8>) {
            let text = escaped(&value);
            prop_assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            let mut rest = text.as_bytes();
            while let Some((&first, after)) = rest.split_first() {
                prop_assert_ne!(first, b'"');
                rest = if first == b'\\' { &after[1..] } else { after };
            }
        }
    }
}
