//! The verb `doorman`: stands in for apps that sleep. It holds the sockets to which nginx turns when nobody accepts a
//! connection, tells the daemon that somebody waits, and carries each connection to where the daemon then says. What it
//! carries goes on when the daemon is gone.

mod doors;
mod guests;
mod keeper;
mod link;
mod target;

use crate::error::{SETUP_FAILED, SetupError, at};
use crate::setup::become_user;
use crate::sys::{self, Close};
use crate::verbs::{detach_stdio, say};
use bloom_control::{Exactly, Hello, User};
use keeper::Keeper;
use link::Link;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{chdir, setsid};
use std::path::PathBuf;
use std::process::ExitCode;

/// Two for each connection; more than a machine has ports for.
const DESCRIPTORS: u64 = 262_144;

/// Stands in until it is told to end. Arguments: its own socket, and the user to become as `UID:GID`.
pub fn doorman() -> ExitCode {
    sys::close_from(3, Close::Now);
    let words: Vec<_> = std::env::args_os().skip(2).collect();
    let Some((socket, rest)) = words.split_first() else { return ExitCode::from(2) };
    let user = rest.first().map(|word| word.to_str().and_then(parse_user));
    if user == Some(None) {
        return ExitCode::from(2);
    }
    let keeper = match prepare(socket.into(), user.flatten()) {
        Ok(keeper) => keeper,
        Err(error) => {
            say(&Hello::Failed { ok: Exactly, error: error.to_string() });
            return ExitCode::from(SETUP_FAILED);
        }
    };
    say(&Hello::Standing { ok: Exactly, pid: std::process::id() as i32 });
    let _ = detach_stdio();
    keeper.run();
    ExitCode::SUCCESS
}

fn parse_user(text: &str) -> Option<User> {
    let (uid, gid) = text.split_once(':')?;
    Some(User { uid: uid.parse().ok()?, gid: gid.parse().ok()? })
}

/// Its own socket is bound while it is still the daemon's user, so that nobody else may give it orders. The doors are
/// bound by the user it becomes, which is nginx's: nobody else may knock.
fn prepare(socket: PathBuf, user: Option<User>) -> Result<Keeper, SetupError> {
    let _ = setsid();
    umask(Mode::from_bits_truncate(0o177));
    raise_descriptor_limit();
    let link = Link::bind(&socket).map_err(at(format!("bind {}", socket.display())))?;
    chdir("/").map_err(at("leave the folder it was started in"))?;
    if let Some(user) = user {
        become_user(user)?;
    }
    prctl::set_no_new_privs().map_err(at("forbid new privileges"))?;
    Keeper::open(link)
}

fn raise_descriptor_limit() {
    let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let wanted = hard.max(DESCRIPTORS);
    if setrlimit(Resource::RLIMIT_NOFILE, wanted, wanted).is_err() {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_two_numbers() {
        assert_eq!(parse_user("1900000000:7"), Some(User { uid: 1_900_000_000, gid: 7 }));
        for text in ["", "1", "1:", ":1", "a:b", "-1:1", "1:2:3", "4294967296:1"] {
            assert_eq!(parse_user(text), None, "{text}");
        }
    }
}
