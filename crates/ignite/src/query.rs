//! The query of an address, decoded as forms encode it.

use std::borrow::Cow;

/// Names and values of a query. Text that is not what percent-encoding allows is kept as it is.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let (byte, taken) = match bytes[at] {
            b'+' => (b' ', 1),
            b'%' => hex(bytes.get(at + 1..at + 3)).map_or((b'%', 1), |byte| (byte, 3)),
            other => (other, 1),
        };
        out.push(byte);
        at += taken;
    }
    Cow::Owned(String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

fn hex(digits: Option<&[u8]>) -> Option<u8> {
    let &[high, low] = digits? else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(high)? * 16 + digit(low)?) as u8)
}

#[cfg(test)]
mod tests {
    use super::pairs;

    fn decoded(query: &str) -> Vec<(String, String)> {
        pairs(query).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    }

    #[test]
    fn decodes_names_and_values_in_their_order() {
        let expected = [("a", "1 2"), ("b c", "ü"), ("a", ""), ("flag", "")];
        let expected: Vec<_> = expected.map(|(a, b)| (a.to_string(), b.to_string())).into();
        assert_eq!(decoded("a=1+2&b%20c=%C3%BC&a=&&flag"), expected);
    }

    #[test]
    fn keeps_what_is_not_encoding() {
        for (query, value) in [("x=%", "%"), ("x=%4", "%4"), ("x=%zz", "%zz"), ("x=%+1", "% 1"), ("x=%ff", "\u{fffd}")]
        {
            assert_eq!(decoded(query)[0].1, value, "{query}");
        }
        assert_eq!(decoded("x=a=b")[0].1, "a=b");
        assert!(decoded("").is_empty());
    }
}
