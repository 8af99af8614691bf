//! What is wrong with the settings of static files.

/// All problems that were found, each naming its option and what to do.
#[derive(Debug, thiserror::Error)]
#[error("static files: {}", .problems.join("; "))]
pub struct StaticsError {
    /// One sentence each.
    pub problems: Vec<String>,
}
