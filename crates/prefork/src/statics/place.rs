//! Where in the tree of addresses which folder stands.

use super::path::{self, RequestPath};
use super::root::Root;
use crate::settings::StaticSettings;
use std::cmp::Reverse;
use std::path::{Path, PathBuf};

/// A folder or file at a mount point.
#[derive(Debug)]
pub struct Place {
    mount: Vec<Vec<u8>>,
    /// The mount point is part of the path below the folder.
    whole: bool,
    /// The one file that stands here, below `root`.
    file: Option<Vec<u8>>,
    /// Laid over everything: asked after all mounts.
    pub overlay: bool,
    /// The folder.
    pub root: Root,
}

impl Place {
    /// Number of segments of the mount point.
    pub fn depth(&self) -> usize {
        self.mount.len()
    }

    /// The path below the folder, where the request's lies below the mount point. Whole segments are compared.
    pub fn relative(&self, path: &RequestPath<'_>) -> Option<Vec<u8>> {
        let (mount, rest) = path.segments.split_at_checked(self.mount.len())?;
        if mount.iter().zip(&self.mount).any(|(one, other)| one != other) {
            return None;
        }
        match &self.file {
            Some(name) => rest.is_empty().then(|| name.clone()),
            None if self.whole => Some(path.segments.join(&b'/')),
            None => Some(rest.join(&b'/')),
        }
    }
}

/// Opens what `static-map`, `static-map2` and `check-static` name, in the order in which they are asked.
pub fn open_all(settings: &StaticSettings, problems: &mut Vec<String>) -> Vec<Place> {
    let mut places = Vec::new();
    for (option, maps, whole) in [("static-map", &settings.maps, false), ("static-map2", &settings.whole_maps, true)] {
        for (mount, target) in maps {
            let mount_segments: Vec<Vec<u8>> = path::split(mount.as_bytes()).into_iter().map(<[u8]>::to_vec).collect();
            if mount_segments.iter().any(|segment| segment == b"..") {
                problems.push(format!("{option} = {mount}={}: a mount point has no `..`", target.display()));
                continue;
            }
            let opened = if whole { Root::folder(target).map(|root| (root, None)) } else { folder_or_file(target) };
            match opened {
                Ok((root, file)) => places.push(Place { mount: mount_segments, whole, file, overlay: false, root }),
                Err(cause) => problems.push(format!("{option} = {mount}={}: {cause}", target.display())),
            }
        }
    }
    places.sort_by_key(|place| Reverse(place.depth()));
    for folder in &settings.overlays {
        match Root::folder(folder) {
            Ok(root) => places.push(Place { mount: Vec::new(), whole: false, file: None, overlay: true, root }),
            Err(cause) => problems.push(format!("check-static = {}: {cause}", folder.display())),
        }
    }
    places
}

/// Opens the folders that links may lead to.
pub fn open_safe(folders: &[PathBuf], problems: &mut Vec<String>) -> Vec<Root> {
    let mut opened = Vec::new();
    for folder in folders {
        match Root::folder(folder) {
            Ok(root) => opened.push(root),
            Err(cause) => problems.push(format!("static-safe = {}: {cause}", folder.display())),
        }
    }
    opened
}

/// Checks `static-index`: names or paths below a folder.
pub fn index_names(names: &[String], problems: &mut Vec<String>) -> Vec<Vec<u8>> {
    let mut checked = Vec::new();
    for name in names {
        let segments = path::split(name.as_bytes());
        if segments.is_empty() || segments.contains(&b"..".as_slice()) || name.contains('\0') {
            problems.push(format!("static-index = {name}: not the name of a file inside of a folder"));
        } else {
            checked.push(segments.join(&b'/'));
        }
    }
    checked
}

/// A folder; or the folder of a file and its name. A link to a file is followed here, once.
fn folder_or_file(target: &Path) -> std::io::Result<(Root, Option<Vec<u8>>)> {
    use std::os::unix::ffi::OsStrExt;
    let real = target.canonicalize()?;
    match (real.parent(), real.file_name()) {
        (Some(folder), Some(name)) if real.is_file() => Ok((Root::folder(folder)?, Some(name.as_bytes().to_vec()))),
        _ => Ok((Root::folder(&real)?, None)),
    }
}
