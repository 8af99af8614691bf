use std::cell::RefCell;

/// What a thread writes a line into before it leaves as a whole.
#[derive(Default)]
pub struct Scratch {
    /// The line so far.
    pub line: Vec<u8>,
    /// The last time that was written as `ctime` does.
    pub ctime: Vec<u8>,
    /// The second it stands for.
    pub ctime_of: Option<i64>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Lends this thread's scratch, with an empty line; a new one to who asks for it while it is lent (a crash within a line).
pub fn with<R>(act: impl FnOnce(&mut Scratch) -> R) -> R {
    SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut scratch) => {
            scratch.line.clear();
            act(&mut scratch)
        }
        Err(_) => act(&mut Scratch::default()),
    })
}

/// Adds a number in decimals, without asking the heap.
pub fn push_number(into: &mut Vec<u8>, number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    into.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 7, 10, 1234567890, u64::MAX] {
            let mut into = Vec::new();
            push_number(&mut into, number);
            assert_eq!(into, number.to_string().as_bytes());
        }
    }

    #[test]
    fn is_lent_once_and_made_anew_for_who_comes_between() {
        with(|outer| {
            outer.line.push(b'x');
            with(|inner| assert!(inner.line.is_empty()));
            assert_eq!(outer.line, b"x");
        });
    }
}
