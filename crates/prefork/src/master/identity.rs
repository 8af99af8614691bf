//! Which user, group, folder and limits the host has.

use super::MasterError;
use super::accounts::{group, take_groups, user};
use crate::settings::ProcessSettings;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, chdir, setgid, setuid};

/// What comes before sockets are bound.
pub(super) fn prepare(process: &ProcessSettings) -> Result<(), MasterError> {
    if let Some(mask) = process.umask {
        umask(Mode::from_bits_truncate(mask));
    }
    if let Some(most) = process.max_fd {
        let hard = getrlimit(Resource::RLIMIT_NOFILE).map_or(most, |(_, hard)| hard.max(most));
        setrlimit(Resource::RLIMIT_NOFILE, most, hard)
            .map_err(|error| MasterError::system(format!("have {most} open files (max-fd)"), error))?;
    }
    Ok(())
}

/// Changes the folder and becomes the user and the group, for good.
pub(super) fn assume(process: &ProcessSettings) -> Result<(), MasterError> {
    let account = user("uid", process.uid.as_deref().unwrap_or(""))?;
    let gid = group("gid", process.gid.as_deref().unwrap_or(""))?;
    let failed = |what: String| move |error| MasterError::system(what, error);
    // As uWSGI: without a gid the group stays.
    if let Some(gid) = gid.filter(|gid| *gid != Gid::effective()) {
        setgid(gid).map_err(failed(format!("become group {gid}")))?;
    }
    if let Some(account) = account.filter(|account| account.uid != Uid::effective()) {
        let (uid, own) = (account.uid, account.entry.as_ref().map(|(_, gid)| *gid));
        let main = gid.or(own).unwrap_or_else(Gid::effective);
        take_groups(&account, main).map_err(failed(format!("take the groups of user {uid}")))?;
        setuid(uid).map_err(failed(format!("become user {uid}")))?;
    }
    if let Some(folder) = &process.chdir {
        chdir(folder).map_err(|error| MasterError::File {
            what: "change to",
            path: folder.clone(),
            error: error.into(),
        })?;
    }
    Ok(())
}
