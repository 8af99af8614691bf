//! Which compiler made a library, and whether the host's own data may be handed to it.

use std::fmt;

/// What is known of a compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compiler {
    /// Its version as it says it: `1.95.0 (59807616e 2026-04-14)`.
    Version(String),
    /// Only the commit it was built from: 40 hexadecimal digits.
    Commit(String),
}

impl Compiler {
    /// The one this program was built with.
    pub fn own() -> Compiler {
        Compiler::Version(env!("PREFORK_RUSTC").to_owned())
    }

    /// The same, as far as can be told.
    pub fn is(&self, other: &Compiler) -> bool {
        match (self, other) {
            (Compiler::Version(one), Compiler::Version(other)) => one == other,
            (Compiler::Commit(one), Compiler::Commit(other)) => one == other,
            (Compiler::Version(version), Compiler::Commit(commit))
            | (Compiler::Commit(commit), Compiler::Version(version)) => {
                short_commit(version).is_some_and(|short| commit.starts_with(short))
            }
        }
    }
}

impl fmt::Display for Compiler {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Compiler::Version(version) => write!(out, "rustc {version}"),
            Compiler::Commit(commit) => write!(out, "a rustc of commit {commit}"),
        }
    }
}

/// `59807616e` of `1.95.0 (59807616e 2026-04-14)`.
fn short_commit(version: &str) -> Option<&str> {
    let (_, inside) = version.split_once('(')?;
    let commit = inside.split([' ', ')']).next()?;
    (commit.len() >= 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "1.95.0 (59807616e 2026-04-14)";
    const COMMIT: &str = "59807616e1fa2540724bfbac14d7976d7e4a3860";

    #[test]
    fn versions_and_commits_are_compared() {
        let version = |text: &str| Compiler::Version(text.into());
        let commit = |text: &str| Compiler::Commit(text.into());
        let cases = [
            (version(VERSION), version(VERSION), true),
            (version(VERSION), version("1.95.0-nightly (59807616e 2026-04-14)"), false),
            (version(VERSION), commit(COMMIT), true),
            (version("1.96.0 (ac68faa20 2026-05-25)"), commit(COMMIT), false),
            // Built without its repository: no commit to compare.
            (version("1.95.0"), commit(COMMIT), false),
            (version("1.95.0 (a tarball)"), commit(COMMIT), false),
            (commit(COMMIT), commit(COMMIT), true),
        ];
        for (one, other, same) in cases {
            assert_eq!(one.is(&other), same, "{one} and {other}");
            assert_eq!(other.is(&one), same, "{other} and {one}");
        }
    }

    #[test]
    fn the_own_one_has_a_version() {
        assert!(Compiler::own().to_string().starts_with("rustc 1."), "{}", Compiler::own());
    }
}
