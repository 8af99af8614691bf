use super::*;
use crate::settings::Protocol;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

fn settings(addresses: &[(&str, Address)]) -> Settings {
    let socket = |(name, address): &(&str, Address)| SocketSettings {
        name: name.to_string(),
        address: address.clone(),
        protocol: Protocol::Http,
        tls: None,
    };
    Settings { sockets: addresses.iter().map(socket).collect(), workers: 2, ..Settings::default() }
}

fn bind(settings: &Settings, before: &Sockets) -> Result<Sockets, String> {
    Sockets::bind(settings, &[before], &|_, _| Err("no TLS".into())).map_err(|error| error.to_string())
}

fn any() -> Address {
    Address::Tcp { host: "127.0.0.1".into(), port: 0 }
}

#[test]
fn a_free_port_is_named_and_in_use_for_others() {
    let sockets = bind(&settings(&[("127.0.0.1:0", any())]), &Sockets::default()).unwrap();
    let name = sockets.bound[0].name.clone();
    let port: u16 = sockets.of_worker(1)[0].server_port.parse().unwrap();
    assert!(name.ends_with(&format!(":{port}")) && port > 0);
    let address = Address::Tcp { host: "127.0.0.1".into(), port };
    let error = bind(&settings(&[(&name, address)]), &Sockets::default()).unwrap_err();
    assert!(error.contains(&name) && error.contains(&format!("process {}", std::process::id())), "{error}");
}

#[test]
fn what_stays_is_kept_and_what_goes_is_closed() {
    let (first, other) = (any(), Address::Abstract(format!("bloom-test-{}", std::process::id())));
    let before = bind(&settings(&[("127.0.0.1:0", first.clone())]), &Sockets::default()).unwrap();
    let after = bind(&settings(&[("@name", other), ("127.0.0.1:0", first)]), &before).unwrap();
    assert_eq!(after.bound[1].fds[0].as_raw_fd(), before.bound[0].fds[0].as_raw_fd());
    let port = before.bound[0].server_port.parse().unwrap();
    let gone = bind(&settings(&[]), &after).unwrap();
    drop((before, after));
    assert_eq!(gone.fds().count(), 0);
    assert!(TcpListener::bind(("127.0.0.1", port)).is_ok());
}

#[test]
fn each_worker_has_its_own_with_reuse_port() {
    let mut settings = settings(&[("127.0.0.1:0", any())]);
    settings.http.reuse_port = true;
    let sockets = bind(&settings, &Sockets::default()).unwrap();
    let fd = |id| sockets.of_worker(id)[0].fd.as_raw_fd();
    assert!(fd(1) != fd(2) && fd(1) == fd(3));
    settings.workers = 3;
    let more = bind(&settings, &sockets).unwrap();
    assert_eq!((more.fds().count(), more.fds().next()), (3, sockets.fds().next()));
}

#[test]
fn a_stale_file_is_replaced_and_a_live_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    drop(UnixListener::bind(&path).unwrap());
    let mut wanted = settings(&[("app.sock", Address::Unix(path.clone()))]);
    wanted.http.socket_mode = Some(0o640);
    let sockets = bind(&wanted, &Sockets::default()).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    UnixStream::connect(&path).unwrap();
    let error = bind(&wanted, &Sockets::default()).unwrap_err();
    assert!(error.contains("in use"), "{error}");
    // One whose file was removed is bound anew.
    std::fs::remove_file(&path).unwrap();
    let again = bind(&wanted, &sockets).unwrap();
    sockets.unlink_except(&[]);
    UnixStream::connect(&path).unwrap();
    again.unlink_except(&[&sockets.clone()]);
    assert!(path.exists());
    again.unlink_except(&[]);
    assert!(!path.exists());
}

#[test]
fn what_is_no_socket_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    std::fs::write(&path, "text").unwrap();
    let error = |address: Address| bind(&settings(&[("here", address)]), &Sockets::default()).unwrap_err();
    assert!(error(Address::Unix(path.clone())).contains("not a socket"));
    assert!(error(Address::Unix(folder.path().join("no/app.sock"))).contains("folder does not exist"));
    assert!(error(Address::Unix(Path::new(&"x".repeat(200)).into())).contains("not a path for a socket"));
    assert!(error(Address::Inherited(9_999)).contains("is not open"));
    let file = std::fs::File::open(&path).unwrap();
    assert!(error(Address::Inherited(file.as_raw_fd())).contains("is not a socket"));
    assert!(error(Address::Tcp { host: "192.0.2.1".into(), port: 0 }).contains("does not have the address"));
    assert!(error(Address::Tcp { host: "no.such.host.invalid".into(), port: 1 }).contains("not known"));
}

#[test]
fn an_inherited_socket_is_taken_and_must_be_listened_on() {
    let given = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = given.local_addr().unwrap().port();
    let sockets = bind(&settings(&[("fd://x", Address::Inherited(given.as_raw_fd()))]), &Sockets::default()).unwrap();
    assert_eq!(sockets.of_worker(1)[0].server_port, port.to_string());
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    client.write_all(b"x").unwrap();
    let error = bind(&settings(&[("fd", Address::Inherited(client.as_raw_fd()))]), &Sockets::default()).unwrap_err();
    assert!(error.contains("not listened on"), "{error}");
}

#[test]
fn tells_how_many_wait() {
    let sockets = bind(&settings(&[("127.0.0.1:0", any())]), &Sockets::default()).unwrap();
    let port: u16 = sockets.of_worker(1)[0].server_port.parse().unwrap();
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    client.write_all(b"x").unwrap();
    while sockets.backlog().0 == 0 {
        std::thread::yield_now();
    }
    assert_eq!(sockets.backlog(), (1, 1024.min(sockets.backlog().1)));
}
