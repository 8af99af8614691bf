//! Which of what a library offers is called.

use super::compiler::Compiler;
use super::elf::Facts;
use super::error::LoadError;
use prefork::abi;
use std::path::Path;

/// How an app is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// By the classic signature, under this name.
    Classic(String),
    /// By its table.
    Table,
}

/// The entry to call: the function that was named where it is there, else the table.
pub fn plan(path: &Path, facts: &Facts, function: Option<&str>) -> Result<Entry, LoadError> {
    let has_table = facts.data.iter().any(|name| name == abi::SYMBOL);
    match function {
        Some(name) if facts.functions.iter().any(|known| known == name) => Ok(Entry::Classic(name.to_owned())),
        _ if has_table => Ok(Entry::Table),
        Some(name) => {
            let hint = missing_hint(name, &facts.functions);
            Err(LoadError::MissingSymbol { path: path.to_owned(), function: name.to_owned(), hint })
        }
        None => Err(LoadError::NoEntry { path: path.to_owned(), hint: entry_hint(&facts.functions) }),
    }
}

/// Whether data of the host may be handed to code of the app.
pub fn check_compiler(path: &Path, facts: &Facts, function: &str, own: &Compiler) -> Result<(), LoadError> {
    if facts.compilers.is_empty() {
        let (path, function, host) = (path.to_owned(), function.to_owned(), own.clone());
        return Err(LoadError::UnknownCompiler { path, function, host });
    }
    match facts.compilers.iter().find(|compiler| !compiler.is(own)) {
        Some(other) => Err(LoadError::OtherCompiler { path: path.to_owned(), app: other.clone(), host: own.clone() }),
        None => Ok(()),
    }
}

/// How alike names are that are worth naming: 1 is the same.
const ALIKE: f64 = 0.7;
/// How many are named.
const NAMED: usize = 5;

fn missing_hint(name: &str, functions: &[String]) -> String {
    let own: Vec<&str> = own_names(functions).collect();
    if own.is_empty() {
        return "it offers none at all: write `#[unsafe(no_mangle)] pub extern \"C\"` before the function".into();
    }
    let mut near: Vec<(f64, &str)> = own.iter().map(|other| (strsim::jaro_winkler(name, other), *other)).collect();
    near.retain(|(alike, _)| *alike >= ALIKE);
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    let names: Vec<&str> = near.iter().map(|(_, other)| *other).take(NAMED).collect();
    match names[..] {
        [] => {
            format!("it offers {}: correct `rust-fn`, or export the function with `#[unsafe(no_mangle)]`", list(&own))
        }
        _ => format!("did you mean {}? Correct `rust-fn`", list(&names)),
    }
}

fn entry_hint(functions: &[String]) -> String {
    let own: Vec<&str> = own_names(functions).collect();
    match own[..] {
        [] => "put `#[prefork::application]` before the function that answers".into(),
        [only] => format!("if `{only}` is of the classic signature, add `rust-fn = {only}`"),
        _ => format!("if one of {} is of the classic signature, name it with `rust-fn`", list(&own)),
    }
}

/// What people named themselves: not what compilers made up.
fn own_names(functions: &[String]) -> impl Iterator<Item = &str> {
    let made_up = |name: &str| {
        ["_", "rust_"].iter().any(|prefix| name.starts_with(prefix)) || name.contains("$") || name.contains('.')
    };
    functions.iter().map(String::as_str).filter(move |name| !made_up(name))
}

fn list(names: &[&str]) -> String {
    let mut shown: Vec<String> = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    if names.len() > NAMED {
        shown.push(format!("{} more", names.len() - NAMED));
    }
    match shown.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => shown.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(functions: &[&str], data: &[&str]) -> Facts {
        let owned = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        Facts { functions: owned(functions), data: owned(data), ..Facts::default() }
    }

    fn entry(facts: &Facts, function: Option<&str>) -> Result<Entry, String> {
        plan(Path::new("libapp.so"), facts, function).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_offered_decides() {
        let (classic, safe) = (facts(&["application"], &[]), facts(&[], &[abi::SYMBOL]));
        let both = facts(&["application"], &[abi::SYMBOL]);
        let named = Entry::Classic("application".into());
        assert_eq!(entry(&classic, Some("application")), Ok(named.clone()));
        assert_eq!(entry(&safe, None), Ok(Entry::Table));
        assert_eq!(entry(&safe, Some("application")), Ok(Entry::Table));
        assert_eq!(entry(&both, Some("application")), Ok(named));
        assert_eq!(entry(&both, None), Ok(Entry::Table));
    }

    #[test]
    fn what_is_missing_comes_with_what_is_near() {
        let names = ["_ZN3std2io", "rust_eh_personality", "aplication", "handle"];
        let cases: [(&[&str], Option<&str>, &str); 6] = [
            (&names, Some("application"), "offers no function `application`; did you mean `aplication`?"),
            (&names, Some("serve"), "it offers `aplication` and `handle`: correct `rust-fn`"),
            (&names[..2], Some("application"), "it offers none at all: write `#[unsafe(no_mangle)]"),
            (&names[..3], None, "add `rust-fn = aplication`"),
            (&names, None, "if one of `aplication` and `handle` is of the classic signature"),
            (&[], None, "put `#[prefork::application]` before"),
        ];
        for (functions, function, expected) in cases {
            let error = entry(&facts(functions, &[]), function).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn all_compilers_of_a_library_have_to_be_the_own_one() {
        let own = Compiler::Version("1.95.0 (59807616e 2026-04-14)".into());
        let other = Compiler::Version("1.63.0".into());
        let check = |compilers: &[&Compiler]| {
            let facts = Facts { compilers: compilers.iter().map(|one| (*one).clone()).collect(), ..Facts::default() };
            check_compiler(Path::new("libapp.so"), &facts, "application", &own)
        };
        assert!(check(&[&own]).is_ok());
        assert_eq!(check(&[&own, &other]).unwrap_err().code(), "other compiler");
        assert_eq!(check(&[]).unwrap_err().code(), "unknown compiler");
        let text = check(&[&other]).unwrap_err().to_string();
        for part in ["rustc 1.63.0", "rustc 1.95.0 (59807616e 2026-04-14)", "--allow-rustc-mismatch"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
