use super::entry::RequestEntry;
use crate::settings::LogSettings;

/// Whether a request has a line: every one, or with `disable-logging` those that are asked for all the same.
pub fn is_wanted(settings: &LogSettings, entry: &RequestEntry<'_>) -> bool {
    let only = &settings.only;
    !settings.disable_requests
        || (only.client_errors && (400..500).contains(&entry.status))
        || (only.server_errors && (500..600).contains(&entry.status))
        || (only.slow_ms > 0 && entry.took.as_millis() >= u128::from(only.slow_ms))
        || (only.big > 0 && entry.response_bytes >= only.big)
        || (only.zero && entry.response_bytes == 0)
        || (only.io_errors && entry.read_errors + entry.write_errors > 0)
}
