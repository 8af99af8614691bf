//! The sockets at which connections for sleeping apps arrive.

use crate::poller::{DOORS, Poller, READ, Token};
use bloom_control::{DoorSpec, FailedDoor};
use nix::sys::socket::{Backlog, listen};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Names a door for as long as this process lives.
pub type Number = u64;

/// How many connections may wait to be accepted; the kernel caps it.
const BACKLOG: i32 = 4096;
/// Accepted in one round, so that no door keeps the others waiting.
const ROUND: usize = 64;
/// How long accepting rests when there are no descriptors left.
const REST: Duration = Duration::from_millis(100);
/// Until it is asked again where a door leads whose target could not be reached; each time twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// One door and who waits there.
pub struct Door {
    /// As ordered.
    pub spec: DoorSpec,
    /// Its id, shared with all that came by it.
    pub name: Rc<str>,
    /// Those who wait, by the order in which they came.
    pub waiting: BTreeMap<u64, usize>,
    /// The daemon that was told and has not answered yet.
    pub told: Option<Token>,
    listener: UnixListener,
    /// Device and inode of the socket's name: what lies there by another is somebody else's.
    place: (u64, u64),
    /// Nobody is told of who waits before the next alarm.
    pausing: bool,
    pause: Duration,
    rests: bool,
}

/// All doors.
#[derive(Default)]
pub struct Doors {
    open: HashMap<Number, Door>,
    numbers: HashMap<Rc<str>, Number>,
    next: Number,
    alarms: BTreeSet<(Instant, Number)>,
}

impl Doors {
    /// Opens what is missing and closes all others. Returns who waited at those, and what could not be opened.
    pub fn keep(&mut self, wanted: Vec<DoorSpec>, poller: &Poller) -> (Vec<usize>, Vec<FailedDoor>) {
        let ids: HashSet<&str> = wanted.iter().map(|spec| spec.id.as_str()).collect();
        let stale = self.numbers.iter().filter(|(name, _)| !ids.contains(&***name)).map(|(_, number)| *number);
        let mut left = Vec::new();
        for number in stale.collect::<Vec<_>>() {
            left.extend(self.close(number, poller));
        }
        let mut failed = Vec::new();
        for spec in wanted {
            let door = spec.id.clone();
            if let Err(error) = self.keep_one(spec, poller) {
                failed.push(FailedDoor { door, reason: error.to_string() });
            }
        }
        (left, failed)
    }

    fn keep_one(&mut self, spec: DoorSpec, poller: &Poller) -> io::Result<()> {
        let Some(number) = self.numbers.get(spec.id.as_str()) else { return self.open(spec, poller) };
        let Some(door) = self.open.get_mut(number) else { return Ok(()) };
        if door.spec.path != spec.path || !door.is_in_place() {
            let (listener, place) = bind(&spec.path)?;
            poller.add(&listener, DOORS + number, READ)?;
            door.unlink();
            poller.remove(&door.listener);
            (door.listener, door.place, door.rests) = (listener, place, false);
        }
        door.spec = spec;
        Ok(())
    }

    fn open(&mut self, spec: DoorSpec, poller: &Poller) -> io::Result<()> {
        let number = self.next;
        let (listener, place) = bind(&spec.path)?;
        poller.add(&listener, DOORS + number, READ)?;
        self.next += 1;
        let name: Rc<str> = Rc::from(spec.id.as_str());
        self.numbers.insert(name.clone(), number);
        let (waiting, told, pause) = (BTreeMap::new(), None, FIRST_PAUSE);
        let door = Door { spec, name, waiting, told, listener, place, pausing: false, pause, rests: false };
        self.open.insert(number, door);
        Ok(())
    }

    fn close(&mut self, number: Number, poller: &Poller) -> Vec<usize> {
        let Some(door) = self.open.remove(&number) else { return Vec::new() };
        self.numbers.remove(&door.name);
        self.alarms.retain(|(_, owner)| *owner != number);
        poller.remove(&door.listener);
        door.unlink();
        door.waiting.into_values().collect()
    }

    /// The door of this number, unless it was closed.
    pub fn get_mut(&mut self, number: Number) -> Option<&mut Door> {
        self.open.get_mut(&number)
    }

    /// The number of an open door.
    pub fn find(&self, id: &str) -> Option<Number> {
        self.numbers.get(id).copied()
    }

    /// Every open door's.
    pub fn numbers(&self) -> Vec<Number> {
        self.open.keys().copied().collect()
    }

    /// Every open door's id, in order.
    pub fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.numbers.keys().map(|name| name.to_string()).collect();
        ids.sort();
        ids
    }

    /// Somebody knocks: takes in those for whom there is room.
    pub fn accept(&mut self, number: Number, poller: &Poller) -> Vec<UnixStream> {
        let mut taken = Vec::new();
        let Some(door) = self.open.get_mut(&number) else { return taken };
        let room = (door.spec.limit as usize).saturating_sub(door.waiting.len());
        for _ in 0..ROUND {
            match door.listener.accept() {
                Ok((client, _)) if taken.len() < room => taken.push(client),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    poller.remove(&door.listener);
                    door.rests = true;
                    self.alarms.insert((Instant::now() + REST, number));
                    break;
                }
            }
        }
        taken
    }

    /// Its target could not be reached: it is asked again, but not at once.
    pub fn pause(&mut self, number: Number) {
        let Some(door) = self.open.get_mut(&number) else { return };
        if !door.pausing {
            door.pausing = true;
            self.alarms.insert((Instant::now() + door.pause, number));
            door.pause = (door.pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// When the first alarm is due.
    pub fn next_alarm(&self) -> Option<Instant> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// Doors that have waited long enough, with who could not be accepted to be accepted again.
    pub fn wake(&mut self, now: Instant, poller: &Poller) -> Vec<Number> {
        let mut woken = Vec::new();
        while self.next_alarm().is_some_and(|at| at <= now) {
            let Some((_, number)) = self.alarms.pop_first() else { break };
            let Some(door) = self.open.get_mut(&number) else { continue };
            door.pausing = false;
            if door.rests {
                door.rests = poller.add(&door.listener, DOORS + number, READ).is_err();
            }
            if door.rests {
                self.alarms.insert((now + REST, number));
            }
            woken.push(number);
        }
        woken
    }
}

impl Door {
    /// Whether this daemon is to be told that somebody waits.
    pub fn must_tell(&self, daemon: Option<Token>) -> bool {
        !self.waiting.is_empty() && !self.pausing && daemon.is_some() && self.told != daemon
    }

    /// Its target has been reached.
    pub fn reached(&mut self) {
        self.pause = FIRST_PAUSE;
    }

    fn is_in_place(&self) -> bool {
        fs::symlink_metadata(&self.spec.path).is_ok_and(|found| (found.dev(), found.ino()) == self.place)
    }

    fn unlink(&self) {
        if self.is_in_place() {
            let _ = fs::remove_file(&self.spec.path);
        }
    }
}

/// The socket appears under its name when it listens already; whatever was there is replaced. Its user alone may connect,
/// by the umask.
fn bind(path: &Path) -> io::Result<(UnixListener, (u64, u64))> {
    if !path.is_absolute() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "its path is not absolute"));
    }
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    let _ = fs::remove_file(&fresh);
    let listener = UnixListener::bind(&fresh)?;
    let named = listen(&listener, Backlog::new(BACKLOG)?)
        .map_err(io::Error::from)
        .and_then(|()| listener.set_nonblocking(true))
        .and_then(|()| fs::symlink_metadata(&fresh))
        .and_then(|found| fs::rename(&fresh, path).map(|()| (found.dev(), found.ino())));
    match named {
        Ok(place) => Ok((listener, place)),
        Err(error) => {
            let _ = fs::remove_file(&fresh);
            Err(error)
        }
    }
}
