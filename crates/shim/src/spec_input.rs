//! How a spec comes in.

use crate::error::{SetupError, at};
use bloom_control::{PROTOCOL, Spec};
use std::io::Read;

/// Byte by byte, because what follows is for somebody else to read.
pub fn read_line(input: &mut impl Read) -> Result<String, SetupError> {
    let mut text = Vec::new();
    let mut byte = [0];
    while input.read(&mut byte).map_err(at("read the first line"))? == 1 && byte[0] != b'\n' {
        text.push(byte[0]);
    }
    String::from_utf8(text).map_err(|_| SetupError::refuse("read the first line", "it is not UTF-8"))
}

/// Reads one to the end of the input.
pub fn parse_spec(mut input: impl Read) -> Result<Spec, SetupError> {
    let mut text = String::new();
    input.read_to_string(&mut text).map_err(at("read the spec"))?;
    let spec: Spec = serde_json::from_str(&text).map_err(at("understand the spec"))?;
    if spec.protocol == PROTOCOL {
        return Ok(spec);
    }
    let text = format!("it speaks protocol {}, this shim speaks {PROTOCOL}", spec.protocol);
    Err(SetupError::refuse("understand the spec", text))
}
