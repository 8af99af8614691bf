use std::time::{Duration, SystemTime};

/// What is known of a request once it was served.
#[derive(Clone, Copy, Debug)]
pub struct RequestEntry<'a> {
    /// The variables of the request.
    pub vars: &'a [(&'a [u8], &'a [u8])],
    /// Bytes of its head.
    pub head_bytes: usize,
    /// Bytes of its body as announced (`CONTENT_LENGTH`) or read.
    pub body_bytes: u64,
    /// Status of the answer; 0: none was sent.
    pub status: u16,
    /// Headers of the answer.
    pub headers: usize,
    /// Bytes of the answer's head.
    pub headers_bytes: usize,
    /// Bytes of the answer's body.
    pub response_bytes: u64,
    /// When it began.
    pub began: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// Process id of the worker.
    pub pid: i32,
    /// Number of the worker, from 1.
    pub worker: u32,
    /// Number of the thread, from 0.
    pub core: usize,
    /// Requests of this worker before and with this one.
    pub worker_requests: u64,
    /// Requests of all workers before and with this one.
    pub total_requests: u64,
    /// Number of the app, from 0.
    pub app: usize,
    /// Errors reading the body.
    pub read_errors: u64,
    /// Errors sending the answer.
    pub write_errors: u64,
    /// Resident memory and address space of the worker, in bytes; 0 where nobody asked.
    pub memory: (u64, u64),
}
