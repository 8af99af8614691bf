//! Magic variables: `%x` in the text of a file, replaced while it is read.

use std::path::{Path, PathBuf};

use super::host::Host;

/// A file that is read, as its magic variables see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FileName {
    /// As it was given.
    pub given: String,
    /// Absolute.
    pub path: PathBuf,
    /// The section that was asked for; empty when none was.
    pub section: String,
}

/// Replaces the magic variables of a text. `first` is the first file that was read, for upper-case letters.
pub(super) fn replace(text: &str, host: &dyn Host, file: &FileName, first: &FileName) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.chars().next() {
            // `%(` is for placeholders, which come later; a last `%` stands for itself.
            None | Some('(') => out.push('%'),
            Some(letter) => {
                rest = &rest[letter.len_utf8()..];
                out.push_str(&variable(letter, host, file, first));
            }
        }
    }
    out + rest
}

/// The text of one; nothing for a letter that is none.
fn variable(letter: char, host: &dyn Host, file: &FileName, first: &FileName) -> String {
    if "OPSDENCXIJ".contains(letter) {
        return of_file(letter.to_ascii_lowercase(), host, first);
    }
    match letter {
        '%' => "%".into(),
        '[' => "\u{1b}".into(),
        'v' => host.cwd().display().to_string(),
        'V' => env!("CARGO_PKG_VERSION").into(),
        'h' => host.hostname(),
        'k' => host.cpus().to_string(),
        't' => (host.micros() / 1_000_000).to_string(),
        'T' => host.micros().to_string(),
        'u' => host.user().0.to_string(),
        'U' => host.user().1,
        'g' => host.group().0.to_string(),
        'G' => host.group().1,
        'b' => host.binary().display().to_string(),
        digit if digit.is_ascii_digit() => component(&file.path, digit as usize - '0' as usize),
        other => of_file(other, host, file),
    }
}

fn of_file(letter: char, host: &dyn Host, file: &FileName) -> String {
    let path = file.path.as_path();
    let folder = path.parent().unwrap_or(Path::new("/"));
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    match letter {
        'o' => file.given.clone(),
        'p' => path.display().to_string(),
        's' => text(path.file_name()),
        'd' => format!("{}/", folder.display().to_string().trim_end_matches('/')),
        'e' => text(path.extension()),
        'n' => text(path.file_stem()),
        'c' => text(folder.file_name()),
        'x' => file.section.clone(),
        'i' => host.inode(path).unwrap_or(0).to_string(),
        'j' => format!("{:x}", hash(path)),
        _ => String::new(),
    }
}

/// The Nth folder on the way to a file.
fn component(path: &Path, index: usize) -> String {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let name = folder.components().skip(1).nth(index);
    name.map(|name| name.as_os_str().to_string_lossy().into_owned()).unwrap_or_default()
}

/// Bernstein's hash with exclusive or, which uWSGI shows in hexadecimal digits.
fn hash(path: &Path) -> u32 {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.iter().fold(5381u32, |hash, byte| hash.wrapping_mul(33) ^ u32::from(*byte))
}
