//! Times as they appear in logs and states.

use std::time::SystemTime;

/// Now, as `2026-11-21T03:58:30.123456Z`.
pub fn now() -> String {
    humantime::format_rfc3339_micros(SystemTime::now()).to_string()
}
