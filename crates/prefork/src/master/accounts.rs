//! Users and groups by name or number.
//!
//! They are looked up in the system's own files, and then wherever else the system knows users; a program without a
//! dynamic linker cannot ask there.

use super::MasterError;
use nix::unistd::{Gid, Group, Uid, User, initgroups, setgroups};
use std::ffi::CString;
use std::path::Path;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub uid: Uid,
    /// Its name and its group, where it has an entry.
    pub entry: Option<(String, Gid)>,
}

const ASKS_FURTHER: bool = !cfg!(target_feature = "crt-static");

/// A user by name or number; an empty name is none.
pub(super) fn user(option: &'static str, name: &str) -> Result<Option<Account>, MasterError> {
    if name.is_empty() {
        return Ok(None);
    }
    let number: Option<u32> = name.parse().ok();
    let listed = find_user(&read("/etc/passwd"), name, number).or_else(|| ask_user(name, number));
    match (listed, number) {
        (Some(account), _) => Ok(Some(account)),
        (None, Some(number)) => Ok(Some(Account { uid: Uid::from_raw(number), entry: None })),
        (None, None) => Err(MasterError::Unknown { option, name: name.into(), what: "user" }),
    }
}

/// A group by name or number; an empty name is none.
pub(super) fn group(option: &'static str, name: &str) -> Result<Option<Gid>, MasterError> {
    if name.is_empty() {
        return Ok(None);
    }
    let number = name.parse().ok().map(Gid::from_raw);
    let asked = || Group::from_name(name).ok().flatten().map(|group| group.gid);
    match number.or_else(|| find_group(&read("/etc/group"), name)).or_else(|| ASKS_FURTHER.then(asked).flatten()) {
        Some(gid) => Ok(Some(gid)),
        None => Err(MasterError::Unknown { option, name: name.into(), what: "group" }),
    }
}

/// Takes the groups a user is in.
pub(super) fn take_groups(account: &Account, main: Gid) -> nix::Result<()> {
    let name = account.entry.as_ref().map(|(name, _)| name.as_str()).unwrap_or_default();
    match CString::new(name) {
        Ok(name) if ASKS_FURTHER && !name.is_empty() => initgroups(&name, main),
        _ => setgroups(&groups_of(&read("/etc/group"), name, main)),
    }
}

fn read(path: impl AsRef<Path>) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

fn ask_user(name: &str, number: Option<u32>) -> Option<Account> {
    let found = || match number {
        Some(number) => User::from_uid(Uid::from_raw(number)),
        None => User::from_name(name),
    };
    let user = ASKS_FURTHER.then(found)?.ok()??;
    Some(Account { uid: user.uid, entry: Some((user.name, user.gid)) })
}

/// `name:password:uid:gid:…`
fn find_user(list: &str, name: &str, number: Option<u32>) -> Option<Account> {
    list.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let (uid, gid) = (fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?);
        let is = number.map_or(fields[0] == name, |number| number == uid);
        is.then(|| Account { uid: Uid::from_raw(uid), entry: Some((fields[0].into(), Gid::from_raw(gid))) })
    })
}

/// `name:password:gid:members`
fn find_group(list: &str, name: &str) -> Option<Gid> {
    list.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        Some(Gid::from_raw(fields.get(2)?.parse().ok()?)).filter(|_| fields[0] == name)
    })
}

fn groups_of(list: &str, user: &str, main: Gid) -> Vec<Gid> {
    let member = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let is = !user.is_empty() && fields.get(3)?.split(',').any(|member| member == user);
        is.then(|| fields[2].parse().ok().map(Gid::from_raw))?
    };
    let others = list.lines().filter_map(member).filter(|gid| *gid != main);
    [main].into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_are_found_in_their_files() {
        let users = "root:x:0:0:root:/root:/bin/sh\n+broken\nweb:x:33:34::/:/bin/false\n";
        let web = Account { uid: Uid::from_raw(33), entry: Some(("web".into(), Gid::from_raw(34))) };
        assert_eq!(find_user(users, "web", None), Some(web.clone()));
        assert_eq!(find_user(users, "33", Some(33)), Some(web));
        assert_eq!(find_user(users, "we", None), None);
        let groups = "web:x:34:\nlog:x:4:other,web\nadm:x:5:webby\nbad\n";
        assert_eq!(find_group(groups, "log"), Some(Gid::from_raw(4)));
        assert_eq!(groups_of(groups, "web", Gid::from_raw(34)), [34, 4].map(Gid::from_raw));
        assert_eq!(groups_of(groups, "", Gid::from_raw(9)), [Gid::from_raw(9)]);
    }
}
