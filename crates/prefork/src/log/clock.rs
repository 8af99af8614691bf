//! Times as the C library writes them, in local time.
#![allow(unsafe_code)]

use super::scratch::Scratch;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What `ctime` writes.
const CTIME: &str = "%a %b %e %H:%M:%S %Y";
/// What web servers write.
pub const LTIME: &str = "%d/%b/%Y:%H:%M:%S %z";
const ROOM: usize = 256;

/// Since 1970.
pub fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Local time.
pub fn local(seconds: i64) -> libc::tm {
    // SAFETY: `tm` is numbers and a pointer, for which all zeros are valid.
    let mut tm = unsafe { std::mem::zeroed::<libc::tm>() };
    // SAFETY: both are valid for the call; a time that cannot be told leaves `tm` as it was.
    unsafe { libc::localtime_r(&seconds, &mut tm) };
    tm
}

/// The same of a time of the system.
pub fn local_time(time: SystemTime) -> libc::tm {
    local(since_epoch(time).as_secs() as i64)
}

/// Adds a time by a format of `strftime`; nothing where the format asks for more than there is room for.
pub fn push(into: &mut Vec<u8>, tm: &libc::tm, format: &str) {
    let mut buffer = [0_u8; ROOM];
    // A format that fits needs no memory of the heap.
    let mut ended = [0_u8; 128];
    let heap;
    let pointer = if format.len() < ended.len() {
        ended[..format.len()].copy_from_slice(format.as_bytes());
        ended.as_ptr()
    } else {
        heap = [format.as_bytes(), b"\0"].concat();
        heap.as_ptr()
    };
    // SAFETY: the buffer has the length that is given, the format ends with a zero, `tm` was made by `local`.
    let length = unsafe { libc::strftime(buffer.as_mut_ptr().cast(), ROOM, pointer.cast(), tm) };
    let begin = into.len();
    into.extend_from_slice(&buffer[..length.min(ROOM)]);
    for byte in &mut into[begin..] {
        // A format may hold anything; a line stays a line.
        if byte.is_ascii_control() {
            *byte = b' ';
        }
    }
}

/// `Sat Nov 21 22:38:35 2026`, kept for as long as the second lasts.
pub fn push_ctime(scratch: &mut Scratch, time: SystemTime) {
    let seconds = since_epoch(time).as_secs() as i64;
    if scratch.ctime_of != Some(seconds) {
        scratch.ctime.clear();
        push(&mut scratch.ctime, &local(seconds), CTIME);
        scratch.ctime_of = Some(seconds);
    }
    scratch.line.extend_from_slice(&scratch.ctime);
}

/// The same by a format; empty stands for `ctime`'s.
pub fn push_date(scratch: &mut Scratch, time: SystemTime, format: &str) {
    if format.is_empty() {
        push_ctime(scratch, time);
    } else {
        push(&mut scratch.line, &local(since_epoch(time).as_secs() as i64), format);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: &str) -> String {
        let mut into = Vec::new();
        // SAFETY: as in `local`.
        let mut tm = unsafe { std::mem::zeroed::<libc::tm>() };
        (tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_wday) = (126, 10, 3, 5, 2);
        push(&mut into, &tm, format);
        String::from_utf8(into).unwrap()
    }

    #[test]
    fn writes_as_the_c_library() {
        assert_eq!(text(CTIME), "Tue Nov  3 05:00:00 2026");
        assert_eq!(text("%Y-%m-%d"), "2026-11-03");
        assert_eq!(text(""), "");
        assert_eq!(text("a%nb\tc"), "a b c");
        assert_eq!(text(&"x".repeat(400)), "", "more than there is room for");
        assert_eq!(text(&"x".repeat(200)), "x".repeat(200));
    }
}
