//! Libraries for tests to serve, built when they are first asked for.
//!
//! `classic()` and `safe()` answer by path, see `tests/apps/`; `compile` builds any other source with `rustc` alone.
#![allow(dead_code)]

pub mod exchange;

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// `tests/apps/classic.rs`, built: the classic signature under the name `application`.
pub fn classic() -> PathBuf {
    let source = fs::read_to_string(app("classic.rs")).unwrap();
    compile("classic", &source, &["--crate-type", "cdylib"])
}

/// The source of an app of `tests/apps/`.
pub fn app(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps").join(name)
}

/// Builds a source with `rustc`, the compiler these tests were built by, and keeps the library for the next one who
/// asks for the same.
pub fn compile(name: &str, source: &str, arguments: &[&str]) -> PathBuf {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(&compiler).arg("-vV").output().expect("a compiler to build test apps with").stdout;
    let mut hasher = DefaultHasher::new();
    (source, arguments, version).hash(&mut hasher);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prefork-apps");
    let library = folder.join(format!("lib{name}-{:016x}.so", hasher.finish()));
    if library.exists() {
        return library;
    }
    // Others may build the same at this moment: each in a folder of its own, the last rename wins.
    fs::create_dir_all(&folder).unwrap();
    let work = tempfile::tempdir_in(&folder).unwrap();
    let (file, made) = (work.path().join(format!("{name}.rs")), work.path().join("made.so"));
    fs::write(&file, source).unwrap();
    let built = Command::new(&compiler)
        .args(["--edition", "2024", "--crate-name", name, "-C", "debuginfo=0"])
        .args(arguments)
        .arg("-o")
        .arg(&made)
        .arg(&file)
        .output()
        .unwrap();
    assert!(built.status.success(), "{name} does not build:\n{}", String::from_utf8_lossy(&built.stderr));
    fs::rename(&made, &library).unwrap();
    library
}

/// `tests/apps/safe.rs`, built by cargo with the crate `prefork` as people do: the table of the safe macro.
pub fn safe() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build_safe("safe", &app("safe.rs"))).clone()
}

/// Another source for the safe macro, built in the same way.
pub fn safe_of(name: &str, source: &str) -> PathBuf {
    build_safe(name, &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(source))
}

fn build_safe(name: &str, source: &Path) -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prefork-apps").join(name);
    fs::create_dir_all(&folder).unwrap();
    // Tests of other programs may build it at this moment: cargo takes turns by itself, the files do not.
    let turn = fs::File::create(folder.join("turn")).unwrap();
    turn.lock().unwrap();
    let sdk = crates.join("prefork-app");
    let manifest = format!(
        "[package]\nname = {name:?}\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n[lib]\npath = {source:?}\n\
         crate-type = [\"cdylib\"]\n\n[dependencies]\nprefork = {{ path = {sdk:?} }}\n",
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    // The versions of the workspace, so that nothing has to be fetched.
    fs::copy(crates.parent().unwrap().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--offline", "--target-dir", "target"])
        .current_dir(&folder)
        // A library, whatever the flags of the workspace are.
        .env("RUSTFLAGS", "-C debuginfo=0")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .output()
        .expect("cargo, to build a test app with");
    assert!(built.status.success(), "{name} does not build:\n{}", String::from_utf8_lossy(&built.stderr));
    // With or without a folder named after the target, as the workspace's settings say.
    let places = [folder.join("target/debug"), folder.join(format!("target/{}/debug", host()))];
    let found = places.into_iter().map(|place| place.join(format!("lib{name}.so"))).find(|library| library.exists());
    found.expect("what cargo said it built")
}

fn host() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}
