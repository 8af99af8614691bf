//! What a caught panic said and where: the place is known to the hook alone.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Panics that are caught are written down instead of printed; all others are reported as before.
pub(crate) fn install() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if CATCHING.get() {
            LAST.set(Some(describe(info)));
        } else {
            before(info);
        }
    }));
}

/// The result, or text and place of the panic.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let outer = CATCHING.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    let caught = result.map_err(|payload| {
        // With a hook of the app's own, the place stays unknown.
        let text = LAST.take().unwrap_or_else(|| text_of(&*payload).to_owned());
        // The drop of what somebody panicked with may panic again.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(payload)));
        text
    });
    CATCHING.set(outer);
    LAST.set(None);
    caught
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let text = text_of(info.payload());
    match info.location() {
        Some(place) => format!("{text}, at {place}"),
        None => text.to_owned(),
    }
}

fn text_of(payload: &(dyn Any + Send)) -> &str {
    match payload.downcast_ref::<&str>() {
        Some(text) => text,
        None => payload.downcast_ref::<String>().map_or("a panic without words", String::as_str),
    }
}
