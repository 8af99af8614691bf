//! Lines for the log of the host. Without a host, as in tests, they go to the standard error.
//!
//! ```
//! prefork::log::info!("cache is warm: {} entries", 17);
//! prefork::error!("the same macros are at the root of the crate");
//! ```

pub use crate::{debug, error, info, warn};

#[doc(hidden)]
pub fn write(level: u32, line: std::fmt::Arguments<'_>) {
    match line.as_str() {
        Some(line) => crate::host::log(level, line),
        None => crate::host::log(level, &line.to_string()),
    }
}

/// Something went wrong: a line for the log of the host.
///
/// ```
/// prefork::error!("order {} is lost", 17);
/// ```
#[macro_export]
macro_rules! error {
    ($($text:tt)+) => { $crate::log::write(1, ::core::format_args!($($text)+)) };
}

/// Something is odd: a line for the log of the host.
///
/// ```
/// prefork::warn!("the cache is {} % full", 97);
/// ```
#[macro_export]
macro_rules! warn {
    ($($text:tt)+) => { $crate::log::write(2, ::core::format_args!($($text)+)) };
}

/// Something happened: a line for the log of the host.
///
/// ```
/// prefork::info!("{} prices loaded", 1200);
/// ```
#[macro_export]
macro_rules! info {
    ($($text:tt)+) => { $crate::log::write(3, ::core::format_args!($($text)+)) };
}

/// A detail for whoever looks closely: a line for the log of the host.
///
/// ```
/// prefork::debug!("asked for {}", "/");
/// ```
#[macro_export]
macro_rules! debug {
    ($($text:tt)+) => { $crate::log::write(4, ::core::format_args!($($text)+)) };
}
