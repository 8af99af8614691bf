//! The event loop: waits for what happens, takes it in, and lets `lifecycle` do what follows.

use crate::ahead::Ahead;
use crate::cgroup::Groups;
use crate::child::Child;
use crate::control_server::{ControlServer, Incoming, refuse};
use crate::forward::Forwarder;
use crate::given_socket::GivenSocket;
use crate::hooks::Hooks;
use crate::line_splitter::LineSplitter;
use crate::log_writer::LogWriter;
use crate::machine::{Event, Machine, Phase};
use crate::poller::{
    CONTROL, ERR, FORWARD, GATES, HOOK_ERR, HOOK_OUT, INFO, NOTICE, OUT, PAIRS, PROBE, Poller, READ, RECORDS, RELAYED,
    Ready, SIGNALS, Token,
};
use crate::port_ends::PortEnd;
use crate::probe::Probe;
use crate::relay::Relays;
use crate::signals::{parse_signal, send};
use crate::status::Facts;
use crate::sys;
use bloom_control::{Exactly, Line, Spec, Verb};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::PathBuf;
use std::time::Instant;

/// Output that one event may move, so that a chatty app does not keep others from being answered.
const OUTPUT_ROUNDS: usize = 8;

/// One instance and everything that belongs to it.
pub struct Supervisor {
    pub(crate) spec: Spec,
    pub(crate) dir: PathBuf,
    pub(crate) poller: Poller,
    pub(crate) signals: SignalFd,
    pub(crate) control: ControlServer,
    pub(crate) forward: Option<Forwarder>,
    pub(crate) relays: Relays,
    /// Bound for the command, not for us.
    pub(crate) given: Option<GivenSocket>,
    pub(crate) groups: Groups,
    pub(crate) ahead: Ahead,
    pub(crate) log: LogWriter,
    pub(crate) records: Option<LogWriter>,
    pub(crate) machine: Machine,
    pub(crate) facts: Facts,
    pub(crate) child: Option<Child>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) hooks: Hooks,
    pub(crate) probe: Option<Probe>,
    pub(crate) timers: Timers,
    pub(crate) grace_ms: u64,
    pub(crate) oom_before: u64,
}

/// One stream of the child.
pub struct Output {
    pub(crate) token: u64,
    pub(crate) pipe: File,
    pub(crate) splitter: LineSplitter,
}

/// Everything that is due at some time.
#[derive(Default)]
pub struct Timers {
    /// The pause before the next start is over.
    pub(crate) pause: Option<Instant>,
    /// The next probe.
    pub(crate) probe: Option<Instant>,
    /// Milliseconds from that probe to the one after it.
    pub(crate) probe_pause: u64,
    /// An app that opens no further port until then has opened all.
    pub(crate) settled: Option<Instant>,
    /// Readiness is late.
    pub(crate) ready: Option<Instant>,
    /// The next look at the commands around the start.
    pub(crate) hooks: Option<Instant>,
    /// The grace period is over.
    pub(crate) grace: Option<Instant>,
    /// Draining has lasted long enough.
    pub(crate) drain_limit: Option<Instant>,
    /// Who was told goodbye has had the time to go.
    pub(crate) farewell: Option<Instant>,
    /// The same of single ports that end earlier.
    pub(crate) port_ends: Vec<PortEnd>,
    /// The next look at the connections.
    pub(crate) drain_look: Option<Instant>,
    /// Looks in a row that have found none.
    pub(crate) quiet_looks: u32,
    /// The next look at what is left of an ended process.
    pub(crate) sweep: Option<Instant>,
    /// When looking is given up.
    pub(crate) sweep_limit: Option<Instant>,
}

impl Supervisor {
    /// Works until the instance is over.
    pub fn run(mut self) {
        while self.machine.phase != Phase::Done {
            for event in self.poller.wait(self.next_due().map(|at| at.saturating_duration_since(Instant::now()))) {
                self.take(event);
            }
            if let Some(forward) = &mut self.forward {
                forward.end_round();
            }
            self.relays.end_round();
            self.take_timers(Instant::now());
            self.show_entrances();
        }
        self.finish();
    }

    fn take(&mut self, event: Ready) {
        match event.token {
            SIGNALS => self.take_signals(),
            CONTROL => self.control.accept(&self.poller),
            FORWARD => {
                let up = self.is_up();
                if let Some(forward) = &mut self.forward {
                    forward.accept(up, &self.poller);
                }
            }
            OUT | ERR | HOOK_OUT | HOOK_ERR | RECORDS => self.take_output(event.token),
            INFO => self.take_report(),
            NOTICE => self.take_notice(),
            PROBE => self.advance_probe(),
            GATES..PAIRS => self.relays.accept(event, &self.poller),
            RELAYED.. => self.relays.advance(event, &self.poller),
            PAIRS.. => {
                if let Some(forward) = &mut self.forward {
                    forward.advance(event, &self.poller);
                }
            }
            _ => {
                for incoming in self.control.advance(event, &self.poller) {
                    self.take_request(incoming);
                }
            }
        }
    }

    fn take_signals(&mut self) {
        while let Ok(Some(info)) = self.signals.read_signal() {
            match Signal::try_from(info.ssi_signo as i32) {
                Ok(Signal::SIGCHLD) => self.reap(),
                Ok(Signal::SIGTERM | Signal::SIGINT) => self.stop(None),
                _ => {}
            }
        }
    }

    /// Takes in the ends of children; orphans of the instance come here too and are only reaped.
    fn reap(&mut self) {
        let ending = matches!(self.machine.phase, Phase::Ending { .. });
        while let Some((pid, status)) = sys::wait_any() {
            if self.hooks.take_end(pid, status) {
                continue;
            }
            let Some(child) = &mut self.child else { continue };
            if child.pid == pid && child.exit.is_none() {
                child.observe(status, ending);
            } else if libc::WIFSTOPPED(status) {
                child.observe_init(pid, status);
            }
        }
        self.advance_hooks();
        self.look_after_child();
    }

    /// Lets clients come while there is an app for them.
    pub(crate) fn show_entrances(&mut self) {
        let up = self.is_up();
        if let Some(forward) = &mut self.forward {
            forward.show(up);
        }
        let stays = !matches!(self.machine.phase, Phase::Ending { .. });
        if let Err(error) = self.relays.show(up && stays, &self.poller) {
            self.log.remark(&format!("clients cannot be let in: {error}"));
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.facts.ready_at.is_some() && self.child.as_ref().is_some_and(|child| child.exit.is_none())
    }

    fn take_report(&mut self) {
        let Some(child) = &mut self.child else { return };
        child.read_report();
        if child.report().is_none() && self.hooks.answered && !self.hooks.are_pending() {
            self.take_verdict(Ok(()));
        }
    }

    fn take_output(&mut self, token: u64) {
        let Some(index) = self.outputs.iter().position(|output| output.token == token) else { return };
        if self.read_output(index, OUTPUT_ROUNDS) {
            let mut output = self.outputs.swap_remove(index);
            self.end_output(&mut output);
        }
    }

    /// Copies output into the log; true at its end.
    pub(crate) fn read_output(&mut self, index: usize, rounds: usize) -> bool {
        let output = &mut self.outputs[index];
        let log = self.records.as_mut().filter(|_| output.token == RECORDS).unwrap_or(&mut self.log);
        let mut buffer = [0; 32 * 1024];
        for _ in 0..rounds {
            match output.pipe.read(&mut buffer) {
                Ok(0) => return true,
                Ok(count) => log.output(&mut output.splitter, &buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
        }
        false
    }

    /// Lets go of output that has been read.
    pub(crate) fn end_output(&mut self, output: &mut Output) {
        self.poller.remove(&output.pipe);
        let log = self.records.as_mut().filter(|_| output.token == RECORDS).unwrap_or(&mut self.log);
        log.end_of_output(&mut output.splitter);
    }

    fn take_request(&mut self, Incoming { client, request }: Incoming) {
        let id = request.id;
        let done = Line::Done { id, ok: Exactly, status: None };
        let answer = match request.verb {
            Verb::Status => Line::Done { id, ok: Exactly, status: Some(Box::new(self.fresh_status())) },
            Verb::Watch => {
                self.control.watch(client);
                Line::Done { id, ok: Exactly, status: Some(Box::new(self.status())) }
            }
            Verb::Signal { signal } => self.signal(id, &signal),
            // Answered first, because what follows may be the end.
            Verb::Stop { grace_ms } => {
                self.control.answer(client, &done, &self.poller);
                return self.stop(grace_ms);
            }
            Verb::Drain { limit_ms } => {
                self.control.answer(client, &done, &self.poller);
                return self.drain(limit_ms);
            }
            Verb::Restart if matches!(self.machine.phase, Phase::Draining | Phase::Ending { again: false }) => {
                refuse(Some(id), "stopping", "the instance is about to stop")
            }
            Verb::Restart => {
                self.control.answer(client, &done, &self.poller);
                return self.tell(Event::Restart);
            }
        };
        self.control.answer(client, &answer, &self.poller);
    }

    fn signal(&self, id: i64, name: &str) -> Line {
        let Some(signal) = parse_signal(name) else {
            return refuse(Some(id), "bad_request", format!("there is no signal {name}"));
        };
        match self.child.as_ref().and_then(Child::user_process) {
            Some(pid) => {
                send(pid, signal);
                Line::Done { id, ok: Exactly, status: None }
            }
            None => refuse(Some(id), "not_running", "the process is not running"),
        }
    }

    /// Registers pipes, each with its token and the name of its stream in the log.
    pub(crate) fn add_outputs(&mut self, pipes: impl IntoIterator<Item = (Token, &'static str, File)>) {
        for (token, name, pipe) in pipes {
            if self.poller.add(&pipe, token, READ).is_ok() {
                self.outputs.push(Output { token, pipe, splitter: LineSplitter::new(name) });
            }
        }
    }
}
