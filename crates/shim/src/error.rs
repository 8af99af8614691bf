//! Errors of setting a process up: which step, and what the kernel said.

use std::io;

/// What every verb ends with when the command could not even be tried.
pub const SETUP_FAILED: u8 = 125;

/// A step of the set-up that failed.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {cause}")]
pub struct SetupError {
    step: String,
    cause: io::Error,
}

impl SetupError {
    /// A refusal of our own, without a system call behind it.
    pub fn refuse(step: impl Into<String>, why: impl Into<String>) -> SetupError {
        at(step)(io::Error::other(why.into()))
    }
}

/// Names the step that failed: `File::open(path).map_err(at("open the spec"))`.
pub fn at<E: Into<io::Error>>(step: impl Into<String>) -> impl FnOnce(E) -> SetupError {
    let step = step.into();
    move |cause| SetupError { step, cause: cause.into() }
}
