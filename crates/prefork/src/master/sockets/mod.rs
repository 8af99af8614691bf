//! Sockets that are listened on: bound once, kept over reloads.

mod holder;
mod inherited;
mod options;
mod tcp;
mod unix;

#[cfg(test)]
mod tests;

use super::MasterError;
use crate::listener::Listener;
use crate::settings::{Address, HttpSettings, Settings, SocketSettings};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;

/// How TLS is set up for a certificate and a key.
pub type MakeTls<'a> = &'a dyn Fn(&std::path::Path, &std::path::Path) -> Result<Arc<rustls::ServerConfig>, String>;

/// A bound address: one socket, or one for each worker with `reuse-port`.
#[derive(Clone, Debug)]
pub struct Bound {
    address: Address,
    fds: Vec<Arc<OwnedFd>>,
    /// As `stats` calls it.
    pub name: String,
    server_port: String,
    /// The file of a unix socket made here, with its inode.
    file: Option<(PathBuf, u64)>,
    is_tcp: bool,
}

/// Everything one generation listens on.
#[derive(Clone, Debug, Default)]
pub struct Sockets {
    bound: Vec<Bound>,
    listeners: Vec<Vec<Listener>>,
}

impl Sockets {
    /// Binds what the settings ask for; what any of `before` has at the same address is kept.
    pub fn bind(settings: &Settings, before: &[&Sockets], tls: MakeTls<'_>) -> Result<Sockets, MasterError> {
        // Sockets of workers that sleep would take connections that nobody serves.
        let reuse = settings.http.reuse_port && settings.cheaper.is_none();
        let each = if reuse { settings.workers.max(1) as usize } else { 1 };
        let mut sockets = Sockets::default();
        for socket in &settings.sockets {
            let bound = match before.iter().find_map(|before| before.kept(&socket.address)) {
                Some(kept) => kept.clone().resize(each, &settings.http)?,
                None => Bound::new(&socket.name, &socket.address, &settings.http, each)?,
            };
            sockets.listeners.push(bound.listeners(socket, tls)?);
            sockets.bound.push(bound);
        }
        Ok(sockets)
    }

    fn kept(&self, address: &Address) -> Option<&Bound> {
        self.bound.iter().find(|bound| bound.address == *address && bound.is_still_there())
    }

    /// What a worker takes connections from.
    pub fn of_worker(&self, id: u32) -> Vec<Listener> {
        let index = id.saturating_sub(1) as usize;
        self.listeners.iter().map(|sockets| sockets[index % sockets.len()].clone()).collect()
    }

    /// One listener for each address, for statistics.
    pub fn listeners(&self) -> impl Iterator<Item = &Listener> {
        self.listeners.iter().filter_map(|sockets| sockets.first())
    }

    /// All descriptors.
    pub fn fds(&self) -> impl Iterator<Item = RawFd> {
        self.bound.iter().flat_map(|bound| &bound.fds).map(|fd| fd.as_raw_fd())
    }

    /// Listens no more; files stay until they are unlinked.
    pub fn close(&mut self) {
        self.listeners.clear();
        self.bound.iter_mut().for_each(|bound| bound.fds.clear());
    }

    /// Connections that wait to be accepted, and how many may: of the fullest socket.
    pub fn backlog(&self) -> (u32, u32) {
        let queues = self.bound.iter().filter(|bound| bound.is_tcp).flat_map(|bound| &bound.fds);
        queues.filter_map(|fd| options::queue(fd)).max().unwrap_or_default()
    }

    /// Removes files of unix sockets that `others` do not need; only where the file is still ours.
    pub fn unlink_except(&self, others: &[&Sockets]) {
        let needed = |path: &PathBuf| {
            others
                .iter()
                .flat_map(|sockets| &sockets.bound)
                .any(|bound| bound.file.as_ref().is_some_and(|file| file.0 == *path))
        };
        for bound in &self.bound {
            if bound.file.as_ref().is_some_and(|(path, _)| !needed(path)) {
                bound.unlink();
            }
        }
    }
}

impl Bound {
    /// Binds an address.
    pub fn new(name: &str, address: &Address, http: &HttpSettings, each: usize) -> Result<Bound, MasterError> {
        match address {
            Address::Tcp { host, port } => tcp::bind(name, address, (host, *port), http, each),
            Address::Unix(path) => unix::bind(name, address, path, http),
            Address::Abstract(words) => unix::bind_abstract(name, address, words, http),
            Address::Inherited(fd) => inherited::take(name, address, *fd),
        }
    }

    /// The first of its sockets.
    pub fn fd(&self) -> &OwnedFd {
        &self.fds[0]
    }

    /// Removes the file of a unix socket if it is still this one's.
    pub fn unlink(&self) {
        if let Some((path, _)) = self.file.as_ref().filter(|_| self.is_still_there()) {
            let _ = std::fs::remove_file(path);
        }
    }

    fn resize(mut self, each: usize, http: &HttpSettings) -> Result<Bound, MasterError> {
        let many = self.is_tcp && !matches!(self.address, Address::Inherited(_)) && each > 1;
        // One that was bound without the option cannot share its port.
        if many && self.fds.len() > 1 && self.fds.len() < each {
            let more = tcp::again(&self, http, each - self.fds.len())?;
            self.fds.extend(more);
        } else if self.fds.len() > each {
            self.fds.truncate(each);
        }
        Ok(self)
    }

    fn is_still_there(&self) -> bool {
        self.file.as_ref().is_none_or(|(path, inode)| unix::inode(path) == Some(*inode))
    }

    fn listeners(&self, socket: &SocketSettings, tls: MakeTls<'_>) -> Result<Vec<Listener>, MasterError> {
        let tls = match &socket.tls {
            None => None,
            Some((cert, key)) => {
                let made = tls(cert, key);
                Some(made.map_err(|text| MasterError::Tls { address: socket.name.clone(), text })?)
            }
        };
        let listener = |fd: &Arc<OwnedFd>| Listener {
            fd: fd.clone(),
            protocol: socket.protocol,
            name: self.name.clone(),
            server_port: self.server_port.clone(),
            path: self.file.as_ref().map(|(path, _)| path.clone()),
            is_tcp: self.is_tcp,
            tls: tls.clone(),
        };
        Ok(self.fds.iter().map(listener).collect())
    }
}
