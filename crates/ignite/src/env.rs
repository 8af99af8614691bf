//! The variables of the function, with types.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// The variables of the function: those of the process, and in a test those that the test gives.
///
/// ```standalone_crate
/// use ignite::prelude::*;
///
/// #[ignite::main]
/// async fn handler(_req: Request, ctx: Context) -> Result<impl IntoResponse> {
///     let env = ctx.env();
///     let greeting = env.get("GREETING").unwrap_or_else(|| "Hello".into());
///     let times: usize = env.parse_or("TIMES", 1)?;
///     Ok(greeting.repeat(times))
/// }
///
/// let response = ignite::test::get("/").env("GREETING", "Hi").env("TIMES", "2").call(handler);
/// assert_eq!(response.text(), "HiHi");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Env(Option<Arc<BTreeMap<String, String>>>);

impl Env {
    /// The variables of this process, for code that runs without a [`Context`](crate::Context), such as a warm-up.
    ///
    /// ```
    /// let home = ignite::Env::process().get("HOME");
    /// ```
    pub fn process() -> Self {
        Self(None)
    }

    pub(crate) fn with(values: BTreeMap<String, String>) -> Self {
        Self((!values.is_empty()).then(|| Arc::new(values)))
    }

    /// The value, when the variable is set and is text.
    ///
    /// ```
    /// assert_eq!(ignite::Env::process().get("NO_SUCH_VARIABLE"), None);
    /// ```
    pub fn get(&self, name: &str) -> Option<String> {
        let own = self.0.as_ref().and_then(|values| values.get(name).cloned());
        own.or_else(|| std::env::var(name).ok())
    }

    /// The value, or an [`Error`] that names the variable.
    ///
    /// ```
    /// let error = ignite::Env::process().require("NO_SUCH_VARIABLE").unwrap_err();
    /// assert_eq!(error.message(), "the variable NO_SUCH_VARIABLE is not set");
    /// ```
    pub fn require(&self, name: &str) -> Result<String> {
        self.get(name).ok_or_else(|| Error::msg(format!("the variable {name} is not set")))
    }

    /// The value as a number, an address, a path: anything that parses. The error never shows the value.
    ///
    /// ```
    /// # fn f(env: ignite::Env) -> ignite::Result<()> {
    /// let limit: u32 = env.parse("LIMIT")?;
    /// # Ok(()) }
    /// ```
    pub fn parse<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T> {
        parse(name, &self.require(name)?)
    }

    /// [`parse`](Env::parse) with a value for a variable that is not set. One that is set and wrong is an error.
    ///
    /// ```
    /// assert_eq!(ignite::Env::process().parse_or("NO_SUCH_VARIABLE", 8).unwrap(), 8);
    /// ```
    pub fn parse_or<T: FromStr<Err: Display>>(&self, name: &str, default: T) -> Result<T> {
        self.get(name).map_or(Ok(default), |value| parse(name, &value))
    }

    /// Whether a switch is on: `1`, `true`, `yes` and `on` are; unset, empty, `0`, `false`, `no` and `off` are not.
    ///
    /// ```
    /// assert!(!ignite::Env::process().flag("NO_SUCH_VARIABLE").unwrap());
    /// ```
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name).unwrap_or_default().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "" | "0" | "false" | "no" | "off" => Ok(false),
            _ => Err(Error::msg(format!("the variable {name} should be `true` or `false`"))),
        }
    }

    /// The value as JSON, into any type that deserializes.
    ///
    /// ```
    /// # fn f(env: ignite::Env) -> ignite::Result<()> {
    /// let regions: Vec<String> = env.json("REGIONS")?;
    /// # Ok(()) }
    /// ```
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let value = self.require(name)?;
        serde_json::from_str(&value).map_err(|error| {
            // Its own message could quote a secret; where it stopped is enough.
            let (line, column) = (error.line(), error.column());
            Error::msg(format!("the variable {name} is not the JSON it should be (line {line}, column {column})"))
        })
    }
}

fn parse<T: FromStr<Err: Display>>(name: &str, value: &str) -> Result<T> {
    value.trim().parse().map_err(|_| {
        let wanted = std::any::type_name::<T>();
        Error::msg(format!("the variable {name} cannot be read as {wanted}"))
    })
}
