//! What a library says about itself, read from its bytes: nothing of it runs.

use super::compiler::Compiler;
use object::Endianness;
use object::elf::{DF_1_PIE, DT_FLAGS_1, DT_NEEDED, EM_AARCH64, EM_X86_64, ET_DYN, ET_EXEC, FileHeader64, STT_FUNC};
use object::read::elf::{Dyn, FileHeader, SectionTable, Sym};

/// What is of interest.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The compilers that made it; none where no trace of one was found.
    pub compilers: Vec<Compiler>,
    /// Names of functions it offers.
    pub functions: Vec<String>,
    /// Names of data it offers.
    pub data: Vec<String>,
    /// Libraries it asks for.
    pub needed: Vec<String>,
}

/// Why bytes are not a library for this machine.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLibrary {
    #[error("it is empty")]
    Empty,
    #[error("it is an archive (an rlib or a static library); build it with `--crate-type cdylib`")]
    Archive,
    #[error("it is a library of another operating system")]
    OtherSystem,
    #[error("it is text")]
    Text,
    #[error("it is a program, not a library; build it with `--crate-type cdylib`")]
    Program,
    #[error("it is an object file that is not linked yet; build it with `--crate-type cdylib`")]
    ObjectFile,
    #[error("it is made for another machine ({0}); this one is {own}", own = std::env::consts::ARCH)]
    OtherMachine(String),
    #[error("its format is not known")]
    Unknown,
    #[error("it is damaged: {0}")]
    Damaged(String),
}

type Header = FileHeader64<Endianness>;

/// Reads the facts of a library.
pub fn read(bytes: &[u8]) -> Result<Facts, NotLibrary> {
    check_magic(bytes)?;
    let header = Header::parse(bytes).map_err(damaged)?;
    let endian = header.endian().map_err(damaged)?;
    check_machine(header, endian)?;
    let sections = header.sections(endian, bytes).map_err(damaged)?;
    let (needed, is_program) = dynamic(&sections, endian, bytes)?;
    if header.e_type(endian) == ET_EXEC || is_program {
        return Err(NotLibrary::Program);
    }
    if header.e_type(endian) != ET_DYN {
        return Err(NotLibrary::ObjectFile);
    }
    let mut facts = Facts { compilers: compilers(&sections, endian, bytes), needed, ..Facts::default() };
    let symbols = sections.symbols(endian, bytes, object::elf::SHT_DYNSYM).map_err(damaged)?;
    for symbol in symbols.iter() {
        if symbol.is_undefined(endian) || symbol.is_local() {
            continue;
        }
        let Ok(name) = symbol.name(endian, symbols.strings()) else { continue };
        let names = if symbol.st_type() == STT_FUNC { &mut facts.functions } else { &mut facts.data };
        names.push(String::from_utf8_lossy(name).into_owned());
    }
    Ok(facts)
}

fn damaged(error: object::Error) -> NotLibrary {
    NotLibrary::Damaged(error.to_string())
}

fn check_magic(bytes: &[u8]) -> Result<(), NotLibrary> {
    let begins = |magic: &[u8]| bytes.starts_with(magic);
    let other_systems: [&[u8]; 5] =
        [b"MZ", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xca\xfe\xba\xbe"];
    if bytes.is_empty() {
        return Err(NotLibrary::Empty);
    }
    if begins(b"\x7fELF") {
        return Ok(());
    }
    if begins(b"!<arch>\n") {
        return Err(NotLibrary::Archive);
    }
    if other_systems.into_iter().any(begins) {
        return Err(NotLibrary::OtherSystem);
    }
    let first = &bytes[..bytes.len().min(512)];
    let is_text = |byte: &u8| *byte >= b' ' || b"\t\r\n".contains(byte);
    Err(if first.iter().all(is_text) { NotLibrary::Text } else { NotLibrary::Unknown })
}

fn check_machine(header: &Header, endian: Endianness) -> Result<(), NotLibrary> {
    let own = if cfg!(target_arch = "x86_64") { EM_X86_64 } else { EM_AARCH64 };
    let machine = header.e_machine(endian);
    if machine == own && header.is_little_endian() {
        return Ok(());
    }
    Err(NotLibrary::OtherMachine(match machine {
        EM_X86_64 => "x86_64".into(),
        EM_AARCH64 => "aarch64".into(),
        number => format!("number {number} of the format's list"),
    }))
}

type Sections<'data> = SectionTable<'data, Header>;

/// The libraries it asks for, and whether it is a program (which has the same type as a library nowadays).
fn dynamic(sections: &Sections<'_>, endian: Endianness, bytes: &[u8]) -> Result<(Vec<String>, bool), NotLibrary> {
    let (mut needed, mut is_program) = (Vec::new(), false);
    let Some((entries, link)) = sections.dynamic(endian, bytes).map_err(damaged)? else {
        return Ok((needed, is_program));
    };
    let strings = sections.strings(endian, bytes, link).map_err(damaged)?;
    for entry in entries {
        match entry.tag32(endian) {
            Some(DT_NEEDED) => {
                let name = entry.string(endian, strings).map_err(damaged)?;
                needed.push(String::from_utf8_lossy(name).into_owned());
            }
            Some(DT_FLAGS_1) => is_program |= entry.val32(endian).is_some_and(|flags| flags & DF_1_PIE != 0),
            _ => {}
        }
    }
    Ok((needed, is_program))
}

/// By the comment of the compiler, which survives stripping; else by the metadata of a `dylib`; else by the paths of
/// the standard library in the messages of panics.
fn compilers(sections: &Sections<'_>, endian: Endianness, bytes: &[u8]) -> Vec<Compiler> {
    let content = |name: &[u8]| {
        let (_, section) = sections.section_by_name(endian, name)?;
        object::read::elf::SectionHeader::data(section, endian, bytes).ok()
    };
    let mut found: Vec<Compiler> = content(b".comment").map_or_else(Vec::new, in_comment);
    if found.is_empty() {
        found.extend(content(b".rustc").and_then(in_metadata));
    }
    if found.is_empty() {
        found = content(b".rodata").map_or_else(Vec::new, in_paths);
    }
    found.dedup();
    found
}

fn in_comment(comment: &[u8]) -> Vec<Compiler> {
    let version = |line: &[u8]| {
        let version = line.strip_prefix(b"rustc version ")?;
        Some(Compiler::Version(String::from_utf8_lossy(version).into_owned()))
    };
    comment.split(|byte| *byte == 0).filter_map(version).collect()
}

/// The version stands in clear near the begin, as `rustc 1.95.0 (59807616e 2026-04-14)`.
fn in_metadata(metadata: &[u8]) -> Option<Compiler> {
    let begin = &metadata[..metadata.len().min(256)];
    let at = find(begin, b"rustc 1.")?;
    let text = &begin[at + b"rustc ".len()..];
    let end = text.iter().position(|byte| *byte == b')')? + 1;
    Some(Compiler::Version(String::from_utf8_lossy(&text[..end]).into_owned()))
}

/// `/rustc/<40 hexadecimal digits>/`.
fn in_paths(mut data: &[u8]) -> Vec<Compiler> {
    const DIGITS: usize = 40;
    let mut found = Vec::new();
    while let Some(at) = find(data, b"/rustc/") {
        data = &data[at + b"/rustc/".len()..];
        let Some((digits, b'/')) = data.get(..DIGITS).zip(data.get(DIGITS).copied()) else { continue };
        if digits.iter().all(u8::is_ascii_hexdigit) {
            let commit = Compiler::Commit(String::from_utf8_lossy(digits).into_owned());
            if !found.contains(&commit) {
                found.push(commit);
            }
        }
    }
    found
}

fn find(data: &[u8], what: &[u8]) -> Option<usize> {
    data.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_library_is_named() {
        let cases: [(&[u8], NotLibrary); 6] = [
            (b"", NotLibrary::Empty),
            (b"!<arch>\nlib.rmeta/", NotLibrary::Archive),
            (b"[uwsgi]\nmaster = true\n", NotLibrary::Text),
            (b"MZ\x90\0", NotLibrary::OtherSystem),
            (b"\xcf\xfa\xed\xfe\x07", NotLibrary::OtherSystem),
            (b"\0\x01\x02", NotLibrary::Unknown),
        ];
        for (bytes, why) in cases {
            assert_eq!(read(bytes), Err(why));
        }
        assert!(matches!(read(b"\x7fELF\x02\x01\x01"), Err(NotLibrary::Damaged(_))));
    }

    #[test]
    fn programs_are_not_taken() {
        let own = std::fs::read("/proc/self/exe").unwrap();
        assert_eq!(read(&own), Err(NotLibrary::Program));
    }

    #[test]
    fn the_comment_names_each_compiler_once() {
        let version = |text: &str| Compiler::Version(text.into());
        let comment = b"GCC: (Debian 12) 12.2.0\0rustc version 1.95.0 (59807616e 2026-04-14)\0\0";
        assert_eq!(in_comment(comment), [version("1.95.0 (59807616e 2026-04-14)")]);
        assert_eq!(in_comment(b"GCC: (Debian 12) 12.2.0\0"), []);
        assert_eq!(in_comment(b""), []);
    }

    #[test]
    fn metadata_and_paths_speak_where_there_is_no_comment() {
        let metadata = b"rust\0\0\0\x0a\0\0\0\0\0\x01\x02\x2crustc 1.95.0 (59807616e 2026-04-14)\x07\x08";
        assert_eq!(in_metadata(metadata), Some(Compiler::Version("1.95.0 (59807616e 2026-04-14)".into())));
        assert_eq!(in_metadata(b"rust\0\0\0\x06\xff\x06snappy"), None);
        assert_eq!(in_metadata(b"rustc 1.95.0 (cut off"), None);
        let commit = "59807616e1fa2540724bfbac14d7976d7e4a3860";
        let paths = format!("/rustc/{commit}/library/core/a.rs/rustc/short//rustc/{commit}/b.rs/rustc/");
        assert_eq!(in_paths(paths.as_bytes()), [Compiler::Commit(commit.into())]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = read(&bytes);
            let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0".to_vec();
            elf.extend(&bytes);
            let _ = read(&elf);
            let _ = (in_comment(&bytes), in_metadata(&bytes), in_paths(&bytes));
        }

        #[test]
        fn a_damaged_one_does_not_either(at in 0..64_usize, byte: u8, cut in 0..200_000_usize) {
            thread_local! {
                static OWN: Vec<u8> = std::fs::read("/proc/self/exe").unwrap().into_iter().take(200_000).collect();
            }
            let mut bytes = OWN.with(Clone::clone);
            bytes[at] = byte;
            let _ = read(&bytes[..cut.min(bytes.len())]);
        }
    }
}
