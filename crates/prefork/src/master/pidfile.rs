use super::MasterError;
use std::path::PathBuf;

/// Writes the master's pid to each file.
pub(super) fn write(paths: &[PathBuf]) -> Result<(), MasterError> {
    for path in paths {
        std::fs::write(path, format!("{}\n", std::process::id())).map_err(|error| MasterError::File {
            what: "write the pid file",
            path: path.clone(),
            error,
        })?;
    }
    Ok(())
}

/// Removes those that still hold this process's pid.
pub(super) fn remove(paths: &[PathBuf]) {
    let own = std::process::id().to_string();
    for path in paths {
        if std::fs::read_to_string(path).is_ok_and(|text| text.trim() == own) {
            let _ = std::fs::remove_file(path);
        }
    }
}
