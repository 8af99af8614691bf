//! Scratch files of one execution: inside one folder, up to a size, gone when the execution ends.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;

use crate::{Error, Result, StatusCode, id};

/// Scratch files of this execution.
///
/// Names are relative paths like `page.html` or `parts/1.bin`; one that leads elsewhere is an error. All files together
/// may have the number of bytes [`capacity`](TempStore::capacity) tells; one byte more is an error with status 507. The
/// folder goes when the answer is complete and the work given to [`ctx.spawn`](crate::Context::spawn) has ended.
///
/// ```standalone_crate
/// use ignite::prelude::*;
///
/// #[ignite::main]
/// async fn handler(req: Request, ctx: Context) -> Result<impl IntoResponse> {
///     let store = ctx.temp_store();
///     store.write("upload/input.bin", req.raw())?;
///     let stored = store.read("upload/input.bin")?;
///     assert!(store.write("../outside", "no").is_err());
///     Ok(stored)
/// }
///
/// assert_eq!(ignite::test::post("bytes").call(handler).text(), "bytes");
/// ```
#[derive(Clone, Debug)]
pub struct TempStore(Arc<Store>);

#[derive(Debug)]
pub(crate) struct Store {
    parent: Arc<Path>,
    // Named on first use: most executions have no files, and a name costs more than all else here.
    root: OnceLock<PathBuf>,
    capacity: u64,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Unused,
    Made,
    Ended,
}

impl Store {
    pub(crate) fn new(parent: Arc<Path>, capacity: u64) -> Self {
        Self { parent, root: OnceLock::new(), capacity, state: Mutex::new(State::Unused) }
    }

    fn root(&self) -> &Path {
        self.root.get_or_init(|| self.parent.join(format!("ignite-{}-{}", std::process::id(), id::new())))
    }

    /// Removes everything; nothing can be written afterwards.
    pub(crate) fn end(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *state, State::Ended) == State::Made {
            // What cannot be removed is in a folder that belongs to this process alone.
            let _ = fs::remove_dir_all(self.root());
        }
    }
}

impl TempStore {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self(store)
    }

    /// Writes a file, in place of one that was there. Folders in its name are made.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) -> ignite::Result<()> {
    /// ctx.temp_store().write("a/b.txt", "text")?;
    /// # Ok(()) }
    /// ```
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.put(name, bytes.as_ref(), false)
    }

    /// Writes at the end of a file, which is made when it is missing.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) -> ignite::Result<()> {
    /// ctx.temp_store().append("log.txt", "one more line\n")?;
    /// # Ok(()) }
    /// ```
    pub fn append(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.put(name, bytes.as_ref(), true)
    }

    /// The bytes of a file; a missing one is an error with status 404.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) -> ignite::Result<()> {
    /// let text = String::from_utf8(ctx.temp_store().read("a/b.txt")?.into())?;
    /// # Ok(()) }
    /// ```
    pub fn read(&self, name: &str) -> Result<Bytes> {
        let mut bytes = Vec::new();
        self.open(name)?.read_to_end(&mut bytes).map_err(|error| failed("read", name, error))?;
        Ok(bytes.into())
    }

    /// A file, for reading it a part at a time.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) -> ignite::Result<()> {
    /// use std::io::BufRead;
    /// for line in std::io::BufReader::new(ctx.temp_store().open("log.txt")?).lines() {
    ///     eprintln!("{}", line?);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn open(&self, name: &str) -> Result<File> {
        let path = self.inside(name)?;
        File::open(path).map_err(|error| failed("read", name, error))
    }

    /// Whether there is a file or folder of this name.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) -> ignite::Result<()> {
    /// assert!(!ctx.temp_store().exists("nothing")?);
    /// # Ok(()) }
    /// ```
    pub fn exists(&self, name: &str) -> Result<bool> {
        Ok(self.inside(name)?.exists())
    }

    /// Removes a file, or a folder with all that is in it. One that is missing is no error.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) -> ignite::Result<()> {
    /// ctx.temp_store().remove("a")?;
    /// # Ok(()) }
    /// ```
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.inside(name)?;
        let gone = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match gone {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", name, error)),
            _ => Ok(()),
        }
    }

    /// Where a file of this name is or would be, for programs and libraries that want a path. What they write counts
    /// as soon as anything is written through the store; its folder exists.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) -> ignite::Result<()> {
    /// let out = ctx.temp_store().path("page.pdf")?;
    /// std::process::Command::new("render").arg(&out).status()?;
    /// # Ok(()) }
    /// ```
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        let path = self.inside(name)?;
        self.make_parent(name, &path)?;
        Ok(path)
    }

    /// How many bytes the files have.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) {
    /// assert_eq!(ctx.temp_store().used(), 0);
    /// # }
    /// ```
    pub fn used(&self) -> u64 {
        // Counted where they are, not in a number of our own: programs write here, too.
        size_of(self.0.root())
    }

    /// How many bytes the files may have.
    ///
    /// ```
    /// # fn f(ctx: ignite::Context) {
    /// let left = ctx.temp_store().capacity() - ctx.temp_store().used();
    /// # }
    /// ```
    pub fn capacity(&self) -> u64 {
        self.0.capacity
    }

    fn put(&self, name: &str, bytes: &[u8], append: bool) -> Result<()> {
        let path = self.inside(name)?;
        self.make_parent(name, &path)?;
        // Held while writing: two writers could pass the cap together, and the end must not come in between.
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if *state == State::Ended {
            return Err(ended());
        }
        let replaced = if append { 0 } else { fs::symlink_metadata(&path).map_or(0, |file| file.len()) };
        let after = self.used() - replaced.min(self.used()) + bytes.len() as u64;
        if after > self.0.capacity {
            let text = format!("`{name}` does not fit: the store of an execution holds {} bytes", self.0.capacity);
            return Err(Error::new(StatusCode::INSUFFICIENT_STORAGE, text));
        }
        let mut options = OpenOptions::new();
        options.create(true).mode(0o600).append(append).write(true).truncate(!append);
        let written = options.open(&path).and_then(|mut file| file.write_all(bytes));
        written.map_err(|error| failed("write", name, error))
    }

    /// The path of a name, if it leads to nowhere else. The folder of the execution is made on first use.
    fn inside(&self, name: &str) -> Result<PathBuf> {
        let relative = Path::new(name);
        let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
        if name.is_empty() || name.contains('\0') || !plain {
            let text = format!("`{name}` is not a name in the store: use a relative path without `..`");
            return Err(Error::bad_request(text));
        }
        self.make_root()?;
        let path = self.0.root().join(relative);
        // A link may stand in the folder because a program made it there; it is never followed.
        let mut at = self.0.root().to_owned();
        for part in relative.components() {
            at.push(part);
            if fs::symlink_metadata(&at).is_ok_and(|file| file.is_symlink()) {
                return Err(Error::bad_request(format!(
                    "`{name}` leads through a link, which the store does not follow"
                )));
            }
        }
        Ok(path)
    }

    fn make_root(&self) -> Result<()> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        match *state {
            State::Made => Ok(()),
            State::Ended => Err(ended()),
            State::Unused => {
                DirBuilder::new().mode(0o700).create(self.0.root()).map_err(|error| {
                    let place = self.0.root().display();
                    Error::msg(format!("no folder for temporary files at {place}: {error}")).with_source(error)
                })?;
                *state = State::Made;
                Ok(())
            }
        }
    }

    fn make_parent(&self, name: &str, path: &Path) -> Result<()> {
        let parent = path.parent().unwrap_or(path);
        DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(|error| failed("write", name, error))
    }
}

fn ended() -> Error {
    Error::msg("the execution has ended, and its temporary files are gone")
}

fn failed(verb: &str, name: &str, error: io::Error) -> Error {
    let status = match error.kind() {
        io::ErrorKind::NotFound => StatusCode::NOT_FOUND,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Error::new(status, format!("cannot {verb} `{name}` in the store: {error}")).with_source(error)
}

fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries.flatten().fold(0, |sum, entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => sum + size_of(&entry.path()),
        Ok(meta) => sum + meta.len(),
        Err(_) => sum,
    })
}
