use super::MasterError;
use nix::sys::stat::Mode;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::PathBuf;

/// Named pipes for commands, of which one is listened to.
#[derive(Default)]
pub(super) struct Fifos {
    paths: Vec<PathBuf>,
    open: Option<File>,
}

impl Fifos {
    /// Listens to the first.
    pub fn open(paths: &[PathBuf]) -> Result<Fifos, MasterError> {
        let mut fifos = Fifos { paths: paths.to_vec(), open: None };
        fifos.switch(0)?;
        Ok(fifos)
    }

    /// Listens to another one; one that was not given changes nothing.
    pub fn switch(&mut self, slot: usize) -> Result<(), MasterError> {
        let Some(path) = self.paths.get(slot).cloned() else { return Ok(()) };
        let failed = |error: std::io::Error| MasterError::File { what: "make the FIFO", path: path.clone(), error };
        match std::fs::symlink_metadata(&path) {
            Ok(meta) if meta.file_type().is_fifo() => std::fs::remove_file(&path).map_err(failed)?,
            Ok(_) => return Err(failed(std::io::Error::other("a file that is not a FIFO lies there"))),
            Err(_) => {}
        }
        nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).map_err(|error| failed(error.into()))?;
        // Open for writing as well, so that it never comes to its end.
        let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(&path);
        self.open = Some(file.map_err(failed)?);
        Ok(())
    }

    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.open.as_ref().map(AsFd::as_fd)
    }

    pub fn raw_fd(&self) -> Option<RawFd> {
        self.open.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// Bytes that were written.
    pub fn read(&mut self) -> Vec<u8> {
        let mut buffer = [0; 256];
        let read = self.open.as_mut().and_then(|file| file.read(&mut buffer).ok()).unwrap_or(0);
        buffer[..read].to_vec()
    }

    /// Removes the files.
    pub fn remove(&self) {
        for path in &self.paths {
            if std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_fifo()) {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_is_written_and_changes_slots() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [folder.path().join("a"), folder.path().join("b")];
        let mut fifos = Fifos::open(&paths).unwrap();
        assert!(fifos.read().is_empty());
        std::fs::write(&paths[0], "rP").unwrap();
        assert_eq!(fifos.read(), b"rP");
        fifos.switch(1).unwrap();
        fifos.switch(7).unwrap();
        std::fs::write(&paths[1], "q").unwrap();
        assert_eq!(fifos.read(), b"q");
        fifos.remove();
        assert!(!paths[0].exists() && !paths[1].exists());
        std::fs::write(&paths[0], "precious").unwrap();
        assert!(Fifos::open(&paths).is_err());
    }
}
