//! Sums in placeholders: `%(threads + 2)`, from left to right.

/// Why a sum has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SumError {
    /// A name nothing stands for.
    Unknown(String),
    /// An operand that is no whole number of 64 bits.
    NotANumber(String),
    /// The result does not fit in 64 bits.
    TooLarge,
}

/// The value of an expression of several words. `value` gives what a name stands for.
/// Division by zero is 0; two operands side by side are joined; `++` and `--` change what is before them by one.
pub(super) fn evaluate(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> Result<String, SumError> {
    let mut result: Option<String> = None;
    let mut operator: Option<char> = None;
    for word in text.split([' ', '\t']).filter(|word| !word.is_empty()) {
        match word {
            "+" | "-" | "*" | "/" => operator = word.chars().next(),
            "++" | "--" => {
                let change = if word == "++" { '+' } else { '-' };
                result = Some(apply(result.as_deref().unwrap_or("0"), change, "1")?);
            }
            _ => {
                let operand = if word.parse::<i64>().is_ok() { Some(word.to_owned()) } else { value(word) };
                let operand = operand.ok_or_else(|| SumError::Unknown(word.to_owned()))?;
                result = Some(match (result, operator.take()) {
                    (Some(left), Some(operator)) => apply(&left, operator, &operand)?,
                    (Some(left), None) => left + &operand,
                    (None, Some(operator)) => apply("0", operator, &operand)?,
                    (None, None) => operand,
                });
            }
        }
    }
    Ok(result.unwrap_or_default())
}

fn apply(left: &str, operator: char, right: &str) -> Result<String, SumError> {
    let number = |text: &str| text.parse::<i64>().map_err(|_| SumError::NotANumber(text.to_owned()));
    let (left, right) = (number(left)?, number(right)?);
    let result = match operator {
        '+' => left.checked_add(right),
        '-' => left.checked_sub(right),
        '*' => left.checked_mul(right),
        _ if right == 0 => Some(0),
        _ => left.checked_div(right),
    };
    result.map(|number| number.to_string()).ok_or(SumError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<String, SumError> {
        evaluate(text, |name| match name {
            "foo" => Some("17".into()),
            "name" => Some("abc".into()),
            _ => None,
        })
    }

    #[test]
    fn sums_go_from_left_to_right() {
        for (text, expected) in [
            ("foo + 3", "20"),
            ("foo + 3 * 2", "40"),
            ("foo - 20", "-3"),
            ("foo / 0", "0"),
            ("foo / 4", "4"),
            ("foo ++", "18"),
            ("foo -- * 2", "32"),
            ("foo 20", "1720"),
            ("name foo", "abc17"),
            ("- foo", "-17"),
            ("-9223372036854775808 / 0", "0"),
        ] {
            assert_eq!(of(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_said() {
        assert_eq!(of("name + 1"), Err(SumError::NotANumber("abc".into())));
        assert_eq!(of("foo + other"), Err(SumError::Unknown("other".into())));
        assert_eq!(of("9223372036854775807 + 1"), Err(SumError::TooLarge));
        assert_eq!(of("-9223372036854775808 / -1"), Err(SumError::TooLarge));
    }
}
