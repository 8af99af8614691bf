//! The protocol between the daemon and `bloom-shim`: one spec on standard input, then JSON lines over
//! `control.sock`; for a further command in a sandbox, a spec and lines on descriptor 3; lines with the doorman. The
//! TypeScript side has the same words; both are checked against `fixtures/control/` and `fixtures/doorman/`.

mod doorman;
mod enter;
mod message;
mod spec;
mod standby;

pub use doorman::{
    CarriedConnection, DOORMAN_PROTOCOL, DoorSpec, FailedDoor, ListedDoor, News, Order, Target, TcpTarget, UnixTarget,
};
pub use enter::{EnterMessage, EnterSpec, Size};
pub use message::{Exactly, Hello, LastExit, Line, ProtocolError, Request, State, Status, Verb};
pub use spec::{
    BindMount, Cgroup, Forward, ForwardToPort, ForwardToSocket, Goodbye, Log, Overlay, OverlayMount, Policy, PortDrain,
    Ready, Relay, RelayAtPort, RelayAtSocket, Restart, Rlimits, Sandbox, Spec, Stage, StageMount, Stop, User,
};
pub use standby::{Begin, Complete, LateMount};

/// Version of the protocol; a spec with another one is refused.
pub const PROTOCOL: u32 = 1;
