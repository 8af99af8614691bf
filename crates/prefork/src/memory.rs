//! What processes need.

/// Resident memory and address space of a process in bytes; None: it is gone.
pub fn of_process(pid: i32) -> Option<(u64, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let mut pages = text.split(' ').map(str::parse::<u64>);
    let (vsz, rss) = (pages.next()?.ok()?, pages.next()?.ok()?);
    Some((rss * page(), vsz * page()))
}

fn page() -> u64 {
    nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten().unwrap_or(4096) as u64
}

#[cfg(test)]
mod tests {
    #[test]
    fn knows_itself_and_not_the_dead() {
        let (rss, vsz) = super::of_process(std::process::id() as i32).unwrap();
        assert!(rss > 100_000 && vsz >= rss);
        assert_eq!(super::of_process(i32::MAX), None);
    }
}
