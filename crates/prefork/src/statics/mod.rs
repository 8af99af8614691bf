//! Files served without asking the app: `static-map`, `static-map2` and `check-static`.
//!
//! [`Files::new`] resolves folders once; [`Files::find`] decides for one request and opens the file. Nothing is sent here.

mod answer;
mod beneath;
mod body;
mod conditional;
mod encoding;
mod error;
mod etag;
mod expires;
mod mime;
mod path;
mod place;
mod range;
mod request;
mod root;

pub use answer::FileAnswer;
pub use body::FileBody;
pub use error::StaticsError;
pub use request::FileRequest;

use crate::settings::StaticSettings;
use expires::Expires;
use mime::Types;
use path::RequestPath;
use place::Place;
use root::{Looked, Root};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::SystemTime;

/// All files that are served, and how.
#[derive(Debug)]
pub struct Files {
    /// Longest mount point first; overlays last, as they stand at the shortest.
    places: Vec<Place>,
    safe: Vec<Root>,
    indexes: Vec<Vec<u8>>,
    skip: Vec<Vec<u8>>,
    types: Types,
    expires: Expires,
    precompressed: bool,
}

impl Files {
    /// Opens all folders and reads all tables. Every problem is named, not only the first one.
    ///
    /// May be called before rights are dropped; folders stay open from then on.
    pub fn new(settings: &StaticSettings) -> Result<Files, StaticsError> {
        let mut problems = Vec::new();
        let files = Files {
            places: place::open_all(settings, &mut problems),
            safe: place::open_safe(&settings.safe, &mut problems),
            indexes: place::index_names(&settings.indexes, &mut problems),
            skip: settings.skip.iter().map(|ending| ending.as_bytes().to_vec()).collect(),
            types: Types::read(&settings.mime_files, &mut problems),
            expires: Expires::compile(&settings.expires, &mut problems),
            precompressed: settings.precompressed,
        };
        if problems.is_empty() { Ok(files) } else { Err(StaticsError { problems }) }
    }

    /// The file for a request, as an answer to it. None: there is none, and the app is to be asked.
    pub fn find(&self, request: &FileRequest<'_>) -> Option<FileAnswer> {
        if self.places.is_empty() || !matches!(request.method, b"GET" | b"HEAD") {
            return None;
        }
        let path = RequestPath::parse(request.path)?;
        if self.skip.iter().any(|ending| path.name().ends_with(ending)) {
            return None;
        }
        let mut longest = None;
        for place in &self.places {
            let Some(relative) = place.relative(&path) else { continue };
            // Several places may share the longest mount point; shorter ones are not asked, overlays always are.
            if !place.overlay && *longest.get_or_insert(place.depth()) != place.depth() {
                continue;
            }
            if let Some(answer) = self.look(place, &relative, &path, request) {
                return Some(answer);
            }
        }
        None
    }

    fn look(
        &self,
        place: &Place,
        relative: &[u8],
        path: &RequestPath,
        request: &FileRequest<'_>,
    ) -> Option<FileAnswer> {
        match place.root.look(relative, &self.safe) {
            Looked::File(_) if path.folder => None,
            Looked::File(found) => Some(self.serve(place, relative, found, request)),
            Looked::Folder => self.index(place, relative, path, request),
            Looked::Missing => None,
            Looked::Outside => {
                let shown = place.root.path.join(OsStr::from_bytes(relative));
                request.tell(&format!(
                    "{}: a link leads out of {}; add where it leads to static-safe to serve it",
                    shown.display(),
                    place.root.path.display()
                ));
                None
            }
            Looked::Failed(errno) => {
                let shown = place.root.path.join(OsStr::from_bytes(relative));
                request.tell(&format!("{}: {}", shown.display(), errno.desc()));
                Some(FileAnswer::refused(errno))
            }
        }
    }

    /// What is served for a folder: the first index that is there. Without a slash at its end the client is sent to the
    /// address with one, as links inside the page are relative to it.
    fn index(
        &self,
        place: &Place,
        relative: &[u8],
        path: &RequestPath,
        request: &FileRequest<'_>,
    ) -> Option<FileAnswer> {
        for index in &self.indexes {
            let inside = path::join(relative, index);
            match place.root.look(&inside, &self.safe) {
                Looked::File(_) if !path.folder => return Some(FileAnswer::to_folder(path, request.query)),
                Looked::File(found) => return Some(self.serve(place, &inside, found, request)),
                Looked::Failed(errno) => return Some(FileAnswer::refused(errno)),
                Looked::Missing | Looked::Outside | Looked::Folder => {}
            }
        }
        None
    }

    fn serve(&self, place: &Place, relative: &[u8], found: root::Found, request: &FileRequest<'_>) -> FileAnswer {
        let mut headers = vec![("Content-Type", self.types.of(relative).to_owned())];
        let mut served = found;
        if self.precompressed {
            headers.push(("Vary", "Accept-Encoding".to_owned()));
            if let Some((encoding, sibling)) = self.sibling(place, relative, request) {
                headers.push(("Content-Encoding", encoding.to_owned()));
                served = sibling;
            }
        }
        let shown = place.root.path.join(OsStr::from_bytes(relative));
        headers.extend(self.expires.headers(shown.as_os_str().as_bytes(), SystemTime::now()));
        answer::for_file(served, headers, request)
    }

    /// The compressed file beside, in the encoding the client prefers.
    fn sibling(
        &self,
        place: &Place,
        relative: &[u8],
        request: &FileRequest<'_>,
    ) -> Option<(&'static str, root::Found)> {
        let accepted = encoding::accepted(request.header("accept-encoding")?);
        accepted.into_iter().find_map(|encoding| {
            let beside = [relative, encoding.ending].concat();
            match place.root.look(&beside, &self.safe) {
                Looked::File(found) => Some((encoding.name, found)),
                _ => None,
            }
        })
    }
}
