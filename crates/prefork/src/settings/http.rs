//! What HTTP may cost.

use std::time::Duration;

/// What HTTP may cost.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpSettings {
    /// Most bytes of a request's head; more is answered 431 (414 while in its first line). uWSGI: `buffer-size`, here never below 16 KiB.
    pub head_bytes: usize,
    /// Most headers of a request.
    pub headers: usize,
    /// Most bytes of a request's body, else 413. uWSGI: `limit-post`. 0: no limit.
    pub body_bytes: u64,
    /// Bodies up to this size are read before the app is asked, in memory. uWSGI: `post-buffering`.
    pub post_buffering: usize,
    /// Longest silence while a body is read or an answer written. uWSGI: `socket-timeout`.
    pub socket_timeout: Duration,
    /// Longest time for a request's head to arrive, from its first byte. uWSGI: `http-headers-timeout`.
    pub head_timeout: Duration,
    /// How long a connection without a request is kept. Zero: never kept. uWSGI: `http-keepalive`.
    pub keepalive: Duration,
    /// Requests served by all workers at a time beyond which 503 is answered. 0: no limit.
    pub concurrency: u32,
    /// Lines added to every answer. uWSGI: `add-header`.
    pub add_headers: Vec<(String, String)>,
    /// Clients begin with a line of the PROXY protocol (v1 or v2). uWSGI: `enable-proxy-protocol`.
    pub proxy_protocol: bool,
    /// Only a proxy can reach the sockets, and what it says of its client is true: REMOTE_ADDR, HTTPS and the like are
    /// taken from its headers ([`crate::http::front`]). Follows from `--platform-socket`.
    pub trusts_proxy: bool,
    /// Mount points are cut off PATH_INFO and put into SCRIPT_NAME. uWSGI: `manage-script-name`.
    pub manage_script_name: bool,
    /// Backlog of sockets, already limited to what the system allows. uWSGI: `listen`.
    pub backlog: u32,
    /// Each worker has a socket of its own to the same address. uWSGI: `reuse-port`.
    pub reuse_port: bool,
    /// uWSGI: `tcp-nodelay`; on unless it is switched off.
    pub tcp_nodelay: bool,
    /// uWSGI: `so-keepalive`.
    pub so_keepalive: bool,
    /// Rights of unix sockets. uWSGI: `chmod-socket`.
    pub socket_mode: Option<u32>,
    /// Owner of unix sockets: `user`, `user:group`, `:group`. uWSGI: `chown-socket`.
    pub socket_owner: Option<String>,
}

impl Default for HttpSettings {
    fn default() -> HttpSettings {
        HttpSettings {
            head_bytes: 32 << 10,
            headers: 128,
            body_bytes: 0,
            post_buffering: 64 << 10,
            socket_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(30),
            keepalive: Duration::from_secs(75),
            concurrency: 0,
            add_headers: Vec::new(),
            proxy_protocol: false,
            trusts_proxy: false,
            manage_script_name: false,
            backlog: 1024,
            reuse_port: false,
            tcp_nodelay: true,
            so_keepalive: false,
            socket_mode: None,
            socket_owner: None,
        }
    }
}
