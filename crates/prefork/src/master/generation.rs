use super::app_process::{self, AppProcess};
use super::control::{Order, say};
use super::sockets::Sockets;
use super::{MasterError, Parts};
use crate::board::Board;
use crate::settings::Settings;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

/// What the master holds of one generation.
pub struct Live {
    /// What it goes by.
    pub settings: Arc<Settings>,
    /// Where its workers say what they do.
    pub board: Board,
    /// What it takes connections from.
    pub sockets: Sockets,
    pub(super) notify: OwnedFd,
    /// To its app process; None: it is gone.
    pub(super) control: Option<OwnedFd>,
    /// Its app process.
    pub app_pid: Option<i32>,
    /// The app process was sent SIGKILL by us: its end is no news.
    pub(super) is_killed: bool,
}

/// What all generations share.
pub(super) struct Shared {
    /// Whoever reads the end of this knows that the master is gone.
    pub lifeline: (OwnedFd, OwnedFd),
    pub handover: (OwnedFd, OwnedFd),
}

impl Shared {
    pub fn new() -> Result<Shared, MasterError> {
        let lifeline = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC);
        let lifeline = lifeline.map_err(|error| MasterError::system("make a pipe", error))?;
        Ok(Shared { lifeline, handover: pair(SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK)? })
    }
}

fn pair(flags: SockFlag) -> Result<(OwnedFd, OwnedFd), MasterError> {
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
        .map_err(|error| MasterError::system("make a pair of sockets", error))
}

impl Live {
    pub(super) fn new(settings: Settings, sockets: Sockets) -> Result<Live, MasterError> {
        let places = settings.workers.max(1) as usize * 2;
        let board = Board::create(places, settings.threads.max(1) as usize, crate::worker::buffer_size(&settings));
        let notify = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK);
        Ok(Live {
            settings: Arc::new(settings),
            board: board.map_err(|error| MasterError::system("get memory for workers", error))?,
            sockets,
            notify: notify.map_err(|error| MasterError::system("make an eventfd", error))?.into(),
            control: None,
            app_pid: None,
            is_killed: false,
        })
    }

    /// Forks its app process.
    pub(super) fn start<P: Parts>(
        &mut self,
        parts: &mut P,
        shared: &Shared,
        private: &[RawFd],
    ) -> Result<(), MasterError> {
        let (ours, theirs) = pair(SockFlag::SOCK_CLOEXEC)?;
        let copy = |fd: &OwnedFd| fd.try_clone().map_err(|error| MasterError::system("copy a descriptor", error));
        let given = AppProcess {
            control: theirs,
            settings: self.settings.clone(),
            board: self.board.clone(),
            sockets: self.sockets.clone(),
            notify: copy(&self.notify)?,
            lifeline: copy(&shared.lifeline.0)?,
            handover: (copy(&shared.handover.0)?, copy(&shared.handover.1)?),
        };
        let private: Vec<RawFd> = private.iter().copied().chain([ours.as_raw_fd()]).collect();
        let pid = app_process::start(parts, given, &private);
        self.app_pid = Some(pid.map_err(|error| MasterError::system("fork", error))?);
        self.control = Some(ours);
        Ok(())
    }

    /// Listens no more, and neither does its app process.
    pub fn close(&mut self) {
        self.sockets.close();
        if let Some(control) = &self.control {
            // Where the app process is gone, so are its sockets.
            let _ = say(control, &Order::Close.encode());
        }
    }

    /// Descriptors of the master alone; `kept` sockets are those of another generation that stays open.
    pub fn private_fds(&self, kept: &[RawFd]) -> impl Iterator<Item = RawFd> {
        let sockets: Vec<RawFd> = self.sockets.fds().filter(|fd| !kept.contains(fd)).collect();
        let control = self.control.iter().map(AsRawFd::as_raw_fd);
        control.chain([self.notify.as_raw_fd()]).chain(sockets).collect::<Vec<_>>().into_iter()
    }
}
