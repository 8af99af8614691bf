//! A library in memory: loaded from a private copy, so that nobody can change or cut it while it runs.
#![allow(unsafe_code)]

use super::error::LoadError;
use libloading::os::unix::{Library as Handle, RTLD_LOCAL, RTLD_NOW};
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A loaded library. Never unloaded: threads and their destructors may lead into it until the process ends.
pub struct Library {
    handle: ManuallyDrop<Handle>,
    // Never closed either: the loader knows libraries by their paths, and another copy under the number of this one
    // would be taken for it.
    _copy: Option<ManuallyDrop<File>>,
}

impl Library {
    /// Loads what `bytes`, read from `path`, are. Constructors of the library run.
    pub fn load(path: &Path, bytes: &[u8]) -> Result<Library, LoadError> {
        if cfg!(target_feature = "crt-static") {
            return Err(LoadError::StaticHost);
        }
        let failed = |cause| LoadError::Copy { path: path.to_owned(), cause };
        match in_memory(path, bytes) {
            Ok(file) => {
                let handle = open(path, &PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())))?;
                Ok(Library { handle, _copy: Some(ManuallyDrop::new(file)) })
            }
            // A kernel or a sandbox that does not allow it: a file that is removed once it is loaded.
            Err(_) => {
                let (folder, file) = on_disk(path, bytes).map_err(failed)?;
                let handle = open(path, &file);
                let _ = fs::remove_dir_all(folder);
                Ok(Library { handle: handle?, _copy: None })
            }
        }
    }

    /// The address of a symbol of this library alone.
    pub fn symbol(&self, name: &str) -> Option<*const ()> {
        let name = CString::new(name).ok()?;
        // SAFETY: only the address is taken; it is not null, for that is no symbol of ours.
        let symbol = unsafe { self.handle.get::<*const ()>(name.as_bytes_with_nul()) }.ok()?;
        let address = symbol.into_raw().cast_const().cast::<()>();
        (!address.is_null()).then_some(address)
    }
}

fn open(path: &Path, copy: &Path) -> Result<ManuallyDrop<Handle>, LoadError> {
    // SAFETY: its constructors run, which is what the user asks for with naming it.
    let handle = unsafe { Handle::open(Some(copy), RTLD_NOW | RTLD_LOCAL) };
    handle.map(ManuallyDrop::new).map_err(|error| {
        let said = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        // The loader names the copy; people know the original.
        let text = said.replace(&format!("{}: ", copy.display()), "");
        let hint = if text.contains("libstd-") {
            "; it wants the compiler's shared standard library: build it without `-C prefer-dynamic`, or as a `cdylib`"
        } else if text.contains("cannot open shared object file") {
            "; install that library, or name its folder in LD_LIBRARY_PATH"
        } else {
            ""
        };
        LoadError::Loader { path: path.to_owned(), text, hint }
    })
}

fn in_memory(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let name = path.file_name().map_or(b"app".to_vec(), |name| name.as_encoded_bytes().to_vec());
    let mut file = File::from(memfd_create(CString::new(name)?.as_c_str(), MFdFlags::MFD_CLOEXEC)?);
    file.write_all(bytes)?;
    // Without /proc there is no path to load it by.
    fs::metadata(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    Ok(file)
}

/// A folder that only we may enter, and the copy in it.
fn on_disk(path: &Path, bytes: &[u8]) -> io::Result<(PathBuf, PathBuf)> {
    let unique = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
    let folder = std::env::temp_dir().join(format!("bloom-prefork-{}-{unique}", std::process::id()));
    fs::DirBuilder::new().mode(0o700).create(&folder)?;
    let file = folder.join(path.file_name().unwrap_or("app.so".as_ref()));
    let written = fs::OpenOptions::new().write(true).create_new(true).mode(0o500).open(&file);
    written.and_then(|mut copy| copy.write_all(bytes)).inspect_err(|_| drop(fs::remove_dir_all(&folder)))?;
    Ok((folder, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_on_disk_is_for_us_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, file) = on_disk(Path::new("some/libapp.so"), b"bytes").unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read(&file).unwrap(), b"bytes");
        assert!(file.ends_with("libapp.so"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_the_loader_refuses_is_told_with_its_words() {
        let error = Library::load(Path::new("libbroken.so"), b"\x7fELF and nothing more").err().unwrap();
        assert_eq!(error.code(), "not loadable");
        assert!(error.to_string().starts_with("libbroken.so cannot be loaded: "), "{error}");
        assert!(!error.to_string().contains("/proc/"), "{error}");
    }
}
