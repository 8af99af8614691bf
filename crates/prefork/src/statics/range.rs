//! The header Range.

/// What of a file is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it: no range, one that cannot be read, or several.
    Whole,
    /// A part: where it begins and how long it is.
    Part(u64, u64),
    /// A part that is not there.
    Nothing,
}

/// Reads `bytes=…` for a file of `size` bytes.
pub fn plan(header: &str, size: u64) -> Wanted {
    let Some(spec) = header.split_once('=').filter(|(unit, _)| unit.trim().eq_ignore_ascii_case("bytes")) else {
        return Wanted::Whole;
    };
    let Some((first, last)) = spec.1.trim().split_once('-') else { return Wanted::Whole };
    match (number(first), number(last)) {
        (Number::Absent, Number::Is(0)) => Wanted::Nothing,
        (Number::Absent, Number::Is(_)) if size == 0 => Wanted::Nothing,
        (Number::Absent, Number::Is(length)) => Wanted::Part(size - length.min(size), length.min(size)),
        (Number::Is(first), Number::Absent) if first < size => Wanted::Part(first, size - first),
        (Number::Is(first), Number::Is(last)) if first > last => Wanted::Whole,
        (Number::Is(first), Number::Is(last)) if first < size => Wanted::Part(first, last.min(size - 1) - first + 1),
        (Number::Is(_), Number::Absent | Number::Is(_)) => Wanted::Nothing,
        _ => Wanted::Whole,
    }
}

enum Number {
    Absent,
    Is(u64),
    Bad,
}

/// Digits only; what is too large stands for the largest.
fn number(text: &str) -> Number {
    let text = text.trim();
    if text.is_empty() {
        Number::Absent
    } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
        Number::Is(text.parse().unwrap_or(u64::MAX))
    } else {
        Number::Bad
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_of_ten_bytes() {
        for (header, wanted) in [
            ("bytes=0-3", Wanted::Part(0, 4)),
            ("bytes=9-9", Wanted::Part(9, 1)),
            ("bytes=4-", Wanted::Part(4, 6)),
            ("bytes=4-99", Wanted::Part(4, 6)),
            ("bytes=-3", Wanted::Part(7, 3)),
            ("bytes=-99", Wanted::Part(0, 10)),
            ("Bytes = 1-2 ", Wanted::Part(1, 2)),
            ("bytes=0-99999999999999999999999", Wanted::Part(0, 10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=10-12", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=5-4", Wanted::Whole),
            ("bytes=0-1,4-5", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes", Wanted::Whole),
            ("lines=0-3", Wanted::Whole),
        ] {
            assert_eq!(plan(header, 10), wanted, "{header}");
        }
        assert_eq!(plan("bytes=0-", 0), Wanted::Nothing);
        assert_eq!(plan("bytes=-5", 0), Wanted::Nothing);
    }

    proptest! {
        #[test]
        fn a_part_always_lies_in_the_file(header in "bytes ?= ?[-0-9, ]{0,24}", size in any::<u64>()) {
            if let Wanted::Part(first, length) = plan(&header, size) {
                prop_assert!(length > 0);
                prop_assert!(first.checked_add(length).is_some_and(|end| end <= size));
            }
        }
    }
}
