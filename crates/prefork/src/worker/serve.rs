//! One request, from the moment it is whole until the connection goes on.

use super::answer::{Answer, SKIP, Stage};
use super::clock::{now_ms, now_us};
use super::connection::{Connection, Then};
use super::drive::{Step, linger_after};
use super::shared::Shared;
use super::source::Source;
use super::tally::{Finished, tally};
use super::thread::Thread;
use crate::board::{Core, CoreState};
use crate::exchange::{Exchange, Outcome};
use crate::http::body::Body;
use crate::http::front::{self, Told};
use crate::http::refusal::{self, Refusal};
use crate::http::response::ResponseHead;
use crate::http::vars::{Facts, recycle};
use crate::settings::Protocol;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;
use std::time::SystemTime;

/// What is known of a request whose head is in the thread's buffer.
pub struct Request {
    pub body: Body,
    /// What of the buffer was received and belongs to the body or to the next request.
    pub rest: Range<usize>,
    /// All of the body is in the thread's `body`; what is left in `rest` is the next request's.
    pub is_gathered: bool,
    /// The client that waited for it was told to send the body.
    pub was_told_to_go_on: bool,
}

/// What is known when a request is over.
struct Afterwards {
    /// The connection was promised to go on.
    goes_on: bool,
    /// All of the body has been read or thrown away.
    is_skipped: bool,
    /// What of the body is still to come.
    unread: Option<Body>,
    /// What was received of the next request.
    leftover: Vec<u8>,
}

impl Thread<'_> {
    /// Has the request answered.
    pub fn answer(&mut self, connection: &mut Connection, request: Request) -> Step {
        if let Err(refusal) = self.fill_vars(connection, &request) {
            return self.refuse(connection, refusal);
        }
        let shared = self.shared;
        let http = &shared.settings.http;
        if http.concurrency > 0 && super::tally::all_busy(&shared.board) >= http.concurrency {
            let answer = refusal::canned(503, "All threads are busy.", &[("Retry-After", "1")]);
            connection.output.push(answer);
            linger_after(connection);
            return Step::Again;
        }
        let app = self.vars.mount(&shared.mounts, http.manage_script_name);
        let may_go_on = self.may_go_on(connection);
        let began = (SystemTime::now(), now_us());
        let (head, room) = self.buffer.split_at_mut(self.head.len);
        let head: &[u8] = head;
        let rest = request.rest.start - head.len()..request.rest.end - head.len();
        let mut pairs = recycle(std::mem::take(&mut self.pairs));
        self.vars.as_pairs(&mut pairs);
        let is_http = shared.listeners[connection.listener as usize].protocol != Protocol::Uwsgi;
        let core = self.core;
        connection.requests += 1;
        shared.hold_number(self.number, connection.number.is_some());
        enter(shared, core, connection, is_http, head.len(), began.1);

        let form = ResponseHead {
            minor: self.head.minor,
            keep_alive: is_http && self.head.keep_alive && !http.keepalive.is_zero() && may_go_on,
            head_request: self.head.is_head,
            date: self.dates.at(began.0),
            add_headers: &http.add_headers,
        };
        let awaits_continue = self.head.expects_continue && !request.was_told_to_go_on && rest.is_empty();
        let gathered = &self.body;
        let source = Source::new(gathered, request.body, room, rest, awaits_continue, http.socket_timeout);
        let mut answer = Answer {
            transport: &mut connection.transport,
            output: &mut connection.output,
            core,
            head: if is_http { head } else { &[] },
            vars: &pairs,
            source,
            form,
            silence: http.socket_timeout,
            scratch: &mut self.scratch,
            stage: Stage::Fresh,
            body_bytes: 0,
            complaint: None,
            write_failed: false,
        };
        let is_file = super::files::answer(shared, &mut answer, self.vars.path());
        let outcome = match app {
            _ if is_file => Outcome::Done,
            Some(app) => shared.apps[app].call(&mut answer),
            None => {
                say(&mut answer, b"404 Not Found", "No app is mounted here.");
                Outcome::Done
            }
        };
        conclude(&mut answer, &outcome);

        let is_skipped = answer.source.skip();
        let unread = if is_skipped { None } else { answer.source.unread(SKIP) };
        let finished = Finished {
            began,
            app: app.unwrap_or_default(),
            is_file,
            outcome: &outcome,
            stage: answer.stage,
            complaint: answer.complaint.take(),
            body_in: answer.source.received(),
            body_out: answer.body_bytes,
            read_failed: answer.source.has_failed,
            write_failed: answer.write_failed,
        };
        let after = Afterwards {
            goes_on: matches!(finished.stage, Stage::Whole(sent) if sent.keep_alive),
            leftover: if is_skipped { answer.source.leftover().to_vec() } else { Vec::new() },
            is_skipped,
            unread,
        };
        let is_broken = matches!(finished.stage, Stage::Broken);
        tally(shared, core, self.number, &pairs, self.head.len, &finished);
        self.pairs = recycle(pairs);
        shared.cell().busy.fetch_sub(1, Relaxed);
        let was_given_up = !leave(core);
        if shared.is_draining() {
            let _ = shared.wake_main.write(1);
        }
        if is_broken || was_given_up { Step::End } else { self.go_on(connection, after) }
    }

    /// After an answer: what becomes of the connection.
    fn go_on(&self, connection: &mut Connection, after: Afterwards) -> Step {
        let Afterwards { goes_on, is_skipped, unread, leftover } = after;
        match (goes_on, unread) {
            (true, Some(body)) => connection.skip = Some((Box::new(body), SKIP)),
            (true, None) if is_skipped => connection.then = Then::Read,
            (false, None) if is_skipped && leftover.is_empty() => connection.then = Then::Close,
            _ => linger_after(connection),
        }
        if connection.then == Then::Read && !leftover.is_empty() {
            connection.input = leftover;
            connection.is_unparsed = true;
            return Step::Again;
        }
        self.next_step(connection)
    }

    /// Without asking the kernel once more where nothing can have come.
    fn next_step(&self, connection: &mut Connection) -> Step {
        let can_wait = connection.then == Then::Read
            && connection.skip.is_none()
            && connection.output.is_empty()
            && !connection.has_ended;
        if !can_wait || connection.transport.is_encrypted() {
            return Step::Again;
        }
        match (self.shared.is_draining(), self.shared.way_out()) {
            (true, Some(way)) if super::handover::give(connection, way).is_ok() => Step::End,
            _ => Step::Wait(super::limits::idle(self.shared)),
        }
    }

    /// A worker that ends says so with its answers, unless another one takes its connections over.
    fn may_go_on(&self, connection: &Connection) -> bool {
        !self.shared.is_draining() || (self.shared.way_out().is_some() && !connection.transport.is_encrypted())
    }

    fn fill_vars(&mut self, connection: &Connection, request: &Request) -> Result<(), Refusal> {
        let listener = &self.shared.listeners[connection.listener as usize];
        // That protocol brings its variables with it.
        if listener.protocol != Protocol::Uwsgi {
            let is_front = self.shared.settings.http.trusts_proxy;
            let told = if is_front { front::told(&self.head, self.buffer) } else { Told::default() };
            let facts = Facts {
                server_name: told.name.unwrap_or(&self.shared.server_name),
                server_port: told.port.unwrap_or(&listener.server_port),
                remote_addr: told.remote_addr.unwrap_or(&connection.peer.address),
                remote_port: (connection.peer.port > 0).then_some(connection.peer.port),
                https: listener.protocol == Protocol::Https || told.scheme == Some("https"),
                scheme: told.scheme,
            };
            self.vars.fill(&self.head, self.buffer, &facts)?;
        }
        if request.is_gathered && self.head.framing == crate::http::request::Framing::Chunked {
            self.vars.set_content_length(self.body.len() as u64);
        }
        Ok(())
    }
}

/// An answer for whoever got none from the app.
fn conclude(answer: &mut Answer<'_>, outcome: &Outcome) {
    // An answer that a panic has cut must not look whole.
    if matches!(outcome, Outcome::Panicked(_)) && matches!(answer.stage, Stage::Open(_)) {
        answer.stage = Stage::Broken;
    }
    answer.finish();
    if answer.stage == Stage::Fresh {
        let why = match (outcome, &answer.complaint) {
            (Outcome::Panicked(_), _) => "The app panicked.",
            (_, Some(_)) => "The app's answer cannot be sent.",
            _ => "The app did not answer.",
        };
        answer.form.keep_alive = false;
        say(answer, b"500 Internal Server Error", why);
    }
}

/// The core is busy with a request; from now on it can be given up, and the master can tell what it serves.
fn enter(shared: &Shared, core: &Core, connection: &Connection, is_http: bool, head_bytes: usize, now_us: u64) {
    core.opaque.store(!is_http || connection.transport.is_encrypted(), Relaxed);
    core.fd.store(connection.transport.number(), Relaxed);
    core.head_len.store(head_bytes as u32, Relaxed);
    core.started_us.store(now_us, Relaxed);
    let harakiri = shared.settings.life.harakiri.as_millis() as u64;
    core.deadline_ms.store(if harakiri == 0 { 0 } else { now_ms() + harakiri }, Relaxed);
    core.set_state(CoreState::Asked);
    shared.cell().busy.fetch_add(1, Relaxed);
}

/// The core is free again. False: it was given up meanwhile, and its client was answered by another thread.
fn leave(core: &Core) -> bool {
    core.deadline_ms.store(0, Relaxed);
    let was_ours = core.change_state(CoreState::Answering, CoreState::Idle)
        || core.change_state(CoreState::Asked, CoreState::Idle);
    // Who gave it up may still be writing to the descriptor.
    while !was_ours && core.fd.load(Relaxed) >= 0 {
        std::thread::yield_now();
    }
    core.set_state(CoreState::Idle);
    core.fd.store(-1, Relaxed);
    was_ours
}

/// A plain text of the host's own.
pub fn say(answer: &mut dyn Exchange, status: &[u8], text: &str) {
    let header: (&[u8], &[u8]) = (b"Content-Type", b"text/plain; charset=utf-8");
    let _ = answer.respond(status, &mut std::iter::once(header), vec![format!("{text}\n").into_bytes()]);
}
