//! What the platform says to this process, in variables.

use std::path::PathBuf;
use std::time::Duration;

use crate::execution::Limits;

const MIB: u64 = 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Settings {
    /// The socket to serve on, bound already or to be bound; with neither this is a run on somebody's own machine.
    pub(crate) listen_fd: Option<i32>,
    pub(crate) socket: Option<PathBuf>,
    pub(crate) port: u16,
    pub(crate) host: String,
    pub(crate) ready_fd: Option<i32>,
    pub(crate) record_fd: Option<i32>,
    pub(crate) drain: Duration,
    pub(crate) limits: Limits,
}

/// Reads all variables; `Err` tells everything that is wrong at once.
pub(crate) fn parse_settings(crate_name: &str, read: impl Fn(&str) -> Option<String>) -> Result<Settings, Vec<String>> {
    let mut problems = Vec::new();
    let mut number = |name: &str, default: u64, most: u64| {
        let Some(text) = read(name).filter(|text| !text.is_empty()) else { return default };
        match text.parse() {
            Ok(value) if value <= most => value,
            _ => {
                problems.push(format!("{name} is `{text}`, but it should be a whole number up to {most}"));
                default
            }
        }
    };
    let timeout = number("IGNITE_TIMEOUT_MS", 0, u64::MAX);
    let max_body = number("IGNITE_MAX_BODY_BYTES", 6 * MIB, usize::MAX as u64);
    let concurrency = number("IGNITE_CONCURRENCY", 0, tokio::sync::Semaphore::MAX_PERMITS as u64);
    let queue = number("IGNITE_QUEUE_LIMIT", 0, usize::MAX as u64 / 2);
    let temp_bytes = number("IGNITE_TEMP_BYTES", 64 * MIB, u64::MAX / 2);
    let drain = number("IGNITE_DRAIN_MS", 10_000, u64::MAX);
    let port = number("PORT", 0, u16::MAX.into());
    const NONE: u64 = u64::MAX;
    let mut fd = |name: &str| match number(name, NONE, i32::MAX as u64) {
        NONE => None,
        fd => i32::try_from(fd).ok(),
    };
    let (ready_fd, record_fd) = (fd("IGNITE_READY_FD"), fd("IGNITE_RECORD_FD"));
    let listen_fd = fd("IGNITE_LISTEN_FD");
    if !problems.is_empty() {
        return Err(problems);
    }
    let text = |name: &str| read(name).filter(|text| !text.is_empty());
    let function_id = text("IGNITE_FUNCTION_ID").unwrap_or_else(|| format!("local/{crate_name}"));
    let organization = function_id.split('/').next().unwrap_or("local").to_owned();
    Ok(Settings {
        listen_fd,
        socket: text("IGNITE_SOCKET").map(PathBuf::from),
        port: port as u16,
        host: text("HOST").unwrap_or_else(|| "127.0.0.1".into()),
        ready_fd,
        record_fd,
        drain: Duration::from_millis(drain),
        limits: Limits {
            organization_id: text("IGNITE_ORGANIZATION_ID").unwrap_or(organization).into(),
            function_id: function_id.into(),
            timeout: (timeout > 0).then(|| Duration::from_millis(timeout)),
            max_body: usize::try_from(max_body).unwrap_or(usize::MAX),
            concurrency: usize::try_from(concurrency).unwrap_or(0),
            queue: usize::try_from(queue).unwrap_or(0),
            temp_dir: text("IGNITE_TEMP_DIR").map_or_else(std::env::temp_dir, PathBuf::from).into(),
            temp_bytes,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
        parse_settings("shop", |name| values.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string()))
    }

    #[test]
    fn nothing_set_is_a_local_run() {
        let settings = parse(&[("IGNITE_TIMEOUT_MS", ""), ("IGNITE_SOCKET", "")]).unwrap();
        assert_eq!((settings.socket, settings.ready_fd, settings.record_fd), (None, None, None));
        assert_eq!((&*settings.limits.function_id, &*settings.limits.organization_id), ("local/shop", "local"));
        assert_eq!((settings.limits.max_body, settings.limits.temp_bytes), (6 << 20, 64 << 20));
        assert_eq!((settings.limits.timeout, settings.limits.concurrency), (None, 0));
    }

    #[test]
    fn the_organization_is_that_of_the_function_unless_it_is_told() {
        let settings = parse(&[("IGNITE_FUNCTION_ID", "acme/hello"), ("IGNITE_TIMEOUT_MS", "250")]).unwrap();
        assert_eq!(&*settings.limits.organization_id, "acme");
        assert_eq!(settings.limits.timeout, Some(Duration::from_millis(250)));
    }

    #[test]
    fn tells_all_problems_at_once() {
        let wrong = [("IGNITE_READY_FD", "-1"), ("PORT", "65536"), ("IGNITE_DRAIN_MS", "10s")];
        let problems = parse(&wrong).unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems.contains(&"PORT is `65536`, but it should be a whole number up to 65535".to_string()));
    }
}
