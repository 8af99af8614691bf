//! Tells systemd how the host is (`Type=notify` and `Type=notify-reload`).

use nix::time::{ClockId, clock_gettime};
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Where to tell it; nobody listens where there is no `NOTIFY_SOCKET`.
pub struct Notify(Option<(UnixDatagram, SocketAddr)>);

impl Notify {
    /// By the value of `NOTIFY_SOCKET`: a path, or `@` and a name without a file.
    pub fn new(socket: Option<&OsStr>) -> io::Result<Notify> {
        let Some(name) = socket.filter(|name| !name.is_empty()) else { return Ok(Notify(None)) };
        let address = match name.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(name)?,
        };
        let own = UnixDatagram::unbound()?;
        own.set_nonblocking(true)?;
        Ok(Notify(Some((own, address))))
    }

    /// Requests are served, with a word about it.
    pub fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={}\n", one_line(status)));
    }

    /// A reload has begun; ends with the next [`Notify::ready`].
    pub fn reloading(&self) {
        let now =
            clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |now| now.tv_sec() * 1_000_000 + now.tv_nsec() / 1000);
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={now}\n"));
    }

    /// The host ends.
    pub fn stopping(&self) {
        self.send("STOPPING=1\n");
    }

    /// A word about how it goes.
    pub fn status(&self, status: &str) {
        self.send(&format!("STATUS={}\n", one_line(status)));
    }

    fn send(&self, message: &str) {
        if let Some((own, address)) = &self.0 {
            // The manager may be gone; nothing depends on it here.
            let _ = own.send_to_addr(message.as_bytes(), address);
        }
    }
}

fn one_line(text: &str) -> String {
    text.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 200];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn says_what_systemd_understands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let notify = Notify::new(Some(path.as_os_str())).unwrap();
        notify.ready("8 workers\nserve");
        assert_eq!(next(&manager), "READY=1\nSTATUS=8 workers serve\n");
        notify.reloading();
        let text = next(&manager);
        let time = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().trim_end();
        assert!(time.parse::<u64>().unwrap() > 0);
        notify.status("waits");
        notify.stopping();
        assert_eq!((next(&manager), next(&manager)), ("STATUS=waits\n".into(), "STOPPING=1\n".into()));
        drop(manager);
        notify.stopping();
    }

    #[test]
    fn names_without_a_file_and_nobody() {
        let name = format!("bloom-notify-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Notify::new(Some(OsStr::new(&format!("@{name}")))).unwrap().stopping();
        assert_eq!(next(&manager), "STOPPING=1\n");
        Notify::new(None).unwrap().ready("");
        Notify::new(Some(OsStr::new(""))).unwrap().ready("");
        assert!(Notify::new(Some(OsStr::new(&"x".repeat(200)))).is_err());
    }
}
