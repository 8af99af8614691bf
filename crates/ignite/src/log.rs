//! Log lines that know which execution they belong to.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::panic::PanicHookInfo;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

/// A line of the log, written when this value is dropped: with what `field` and the levels have added by then.
///
/// On the platform it is one line of JSON on stderr, tied to the execution; at a terminal it is for reading.
///
/// ```standalone_crate
/// use ignite::prelude::*;
///
/// #[ignite::main]
/// async fn handler(_req: Request, ctx: Context) -> Result<impl IntoResponse> {
///     ctx.log("order stored").field("order", 17).field("items", ["tea", "cup"]);
///     ctx.log("the till is slow").warn().field("ms", 812);
///     Ok(())
/// }
/// # ignite::test::get("/").call(handler);
/// ```
#[derive(Debug)]
pub struct LogLine {
    execution: Arc<str>,
    level: &'static str,
    message: String,
    fields: Map<String, Value>,
}

impl LogLine {
    pub(crate) fn new(execution: Arc<str>, message: String) -> Self {
        Self { execution, level: "info", message, fields: Map::new() }
    }

    /// Adds a value that serializes.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) {
    /// ctx.log("paid").field("cents", 240);
    /// # }
    /// ```
    pub fn field(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).unwrap_or_else(|error| format!("not JSON: {error}").into());
        self.fields.insert(name.into(), value);
        self
    }

    /// Makes it a line of level `debug`.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) {
    /// ctx.log("asked the cache").debug();
    /// # }
    /// ```
    pub fn debug(mut self) -> Self {
        self.level = "debug";
        self
    }

    /// Makes it a line of level `warn`.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) {
    /// ctx.log("the cache is cold").warn();
    /// # }
    /// ```
    pub fn warn(mut self) -> Self {
        self.level = "warn";
        self
    }

    /// Makes it a line of level `error`.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) {
    /// ctx.log("the cache is gone").error();
    /// # }
    /// ```
    pub fn error(mut self) -> Self {
        self.level = "error";
        self
    }

    fn to_json(&self) -> String {
        let Self { execution, level, message, fields } = self;
        let text = |value: &str| Value::from(value).to_string();
        let fields = serde_json::to_string(fields).unwrap_or_default();
        let (execution, message) = (text(execution), text(message));
        format!("{{\"execution\":{execution},\"level\":\"{level}\",\"message\":{message},\"fields\":{fields}}}\n")
    }

    fn to_text(&self) -> String {
        let mut line = format!("{:>5}  {}", self.level, self.message);
        for (name, value) in &self.fields {
            line.push_str(&format!("  {name}={value}"));
        }
        line.push('\n');
        line
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let mut stderr = std::io::stderr().lock();
        let line = if stderr.is_terminal() { self.to_text() } else { self.to_json() };
        // One write for a whole line; a log that nobody takes must not fail the handler.
        let _ = stderr.write_all(line.as_bytes());
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// Runs `work` with its execution known to the panic hook.
pub(crate) fn within<T>(execution: &Arc<str>, work: impl FnOnce() -> T) -> T {
    struct Restore(Option<Arc<str>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.with_borrow_mut(|current| *current = self.0.take());
        }
    }
    let _restore = Restore(CURRENT.with_borrow_mut(|current| current.replace(execution.clone())));
    work()
}

/// Ties the text of a panic to its execution. At a terminal the usual text says more.
pub(crate) fn install_panic_hook() {
    if std::io::stderr().is_terminal() {
        return;
    }
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        let execution = CURRENT.try_with(|current| current.borrow().clone()).ok().flatten();
        let Some(execution) = execution else { return usual(info) };
        let message = format!("the handler panicked: {}", panic_text(info.payload()));
        let line = LogLine::new(execution, message).error();
        drop(match info.location() {
            Some(place) => line.field("at", place.to_string()),
            None => line,
        });
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
            usual(info);
        }
    }));
}

/// What a panic said.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::LogLine;

    #[test]
    fn writes_one_line_of_json_whatever_the_text_is() {
        let line = LogLine::new("e\"1".into(), "two\nlines".into()).warn().field("n", 1).field("who", "\u{1b}[0m");
        let text = line.to_json();
        assert_eq!(text.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let fields = serde_json::json!({ "n": 1, "who": "\u{1b}[0m" });
        let expected =
            serde_json::json!({ "execution": "e\"1", "level": "warn", "message": "two\nlines", "fields": fields });
        assert_eq!(value, expected);
    }
}
