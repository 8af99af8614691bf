//! What goes between the daemon and `bloom-shim doorman`, one JSON document a line in each direction.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

/// Version of what is said here. Each has a socket of its own, so that a daemon finds doormen of other versions, too;
/// [`News::Hello`] and [`Order::Finish`] are the same in all of them. To end one at once, it is sent SIGTERM.
pub const DOORMAN_PROTOCOL: u32 = 1;

/// A line from the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Order {
    /// These are the doors from now on: missing ones are opened, all others closed. Answered by [`News::Kept`].
    Keep {
        /// All of them.
        doors: Vec<DoorSpec>,
    },
    /// Whoever waits at this door is connected to this target.
    Lead {
        /// The door's id.
        door: String,
        /// Where it leads now.
        to: Target,
    },
    /// Whoever waits at this door has waited in vain.
    Refuse {
        /// The door's id.
        door: String,
    },
    /// Answered by [`News::Listed`].
    List {},
    /// Closes all doors, and ends with the last connection that is carried. Answered by [`News::Finishing`].
    Finish {},
}

/// A socket to which nginx turns for an app that sleeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoorSpec {
    /// The daemon's name for it.
    pub id: String,
    /// The socket, as an absolute path.
    pub path: PathBuf,
    /// How long a connection waits, in milliseconds, from being accepted to being connected to its target.
    pub wait_ms: u32,
    /// So many wait at a time; those beyond are closed at once.
    pub limit: u32,
}

/// Where a connection is led.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Target {
    /// A TCP port.
    Tcp(TcpTarget),
    /// A unix socket.
    Unix(UnixTarget),
}

/// A TCP port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcpTarget {
    /// As the doorman's own network knows it.
    pub address: IpAddr,
    /// The port.
    pub port: NonZeroU16,
}

/// A unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnixTarget {
    /// As the host sees it.
    pub path: PathBuf,
}

/// A line from the doorman.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum News {
    /// The first line on every connection.
    Hello {
        /// [`DOORMAN_PROTOCOL`].
        protocol: u32,
        /// Its own.
        pid: i32,
        /// Doors that are open.
        doors: Vec<String>,
        /// Connections that are carried.
        carried: u32,
    },
    /// Somebody waits at this door. Told once, until it is answered or nobody waits any more.
    Knock {
        /// The door's id.
        door: String,
    },
    /// Nobody waits at this door any more: they have left, or their time is over.
    Gone {
        /// The door's id.
        door: String,
    },
    /// The doors are as ordered, but for these.
    Kept {
        /// Those that could not be opened.
        failed: Vec<FailedDoor>,
    },
    /// What is carried, by door; a door that is closed is there as long as something is carried that came by it.
    Listed {
        /// In the order of their ids.
        doors: Vec<ListedDoor>,
    },
    /// The doors are closed.
    Finishing {
        /// Connections that are still carried.
        carried: u32,
    },
    /// A line that was not understood, and has changed nothing.
    Error {
        /// Why, for people.
        message: String,
    },
}

/// A door that could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedDoor {
    /// Its id.
    pub door: String,
    /// Why, for people.
    pub reason: String,
}

/// What has come by a door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedDoor {
    /// Its id.
    pub door: String,
    /// Whether it takes connections.
    pub open: bool,
    /// Connections that are not connected to a target yet.
    pub waiting: u32,
    /// Those that are.
    pub connections: Vec<CarriedConnection>,
}

/// A connection that is carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedConnection {
    /// When it came to the door, RFC 3339.
    pub since: String,
    /// Bytes that came from the client.
    pub from_client: u64,
    /// Bytes that came from the app.
    pub from_app: u64,
    /// Pid of the nginx worker at the other end of the door's side.
    pub worker: Option<i32>,
    /// Inode of the door's side, as `ss -x` shows it.
    pub inode: u64,
    /// Own address of the app's side, when that is TCP.
    pub local: Option<String>,
    /// Where it leads, when that is TCP.
    pub remote: Option<String>,
}
