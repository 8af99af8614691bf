//! Both ends of a connection, and certificates for them.

use bloom_prefork::tls::{Stream, StreamError, server_config};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use tempfile::TempDir;

/// A certificate and its key, in files.
pub struct Pair {
    _home: TempDir,
    pub cert: PathBuf,
    pub key: PathBuf,
}

pub fn pair() -> Pair {
    let made = rcgen::generate_simple_self_signed(["bloom.test".to_owned()]).unwrap();
    let home = tempfile::tempdir().unwrap();
    let (cert, key) = (home.path().join("cert.pem"), home.path().join("key.pem"));
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    Pair { _home: home, cert, key }
}

pub static CONFIGS: LazyLock<(Arc<rustls::ServerConfig>, Arc<ClientConfig>)> =
    LazyLock::new(|| configs(rustls::ALL_VERSIONS));

/// A server's and a client's, who trusts it.
pub fn configs(
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> (Arc<rustls::ServerConfig>, Arc<ClientConfig>) {
    let pair = pair();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&pair.cert).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_protocol_versions(versions);
    let mut client = builder.with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    (server_config(&pair.cert, &pair.key).unwrap(), Arc::new(client))
}

/// A server's stream with its socket, and the client's end.
pub struct Both {
    pub stream: Stream,
    pub here: UnixStream,
    pub there: UnixStream,
    pub client: ClientConnection,
}

impl Both {
    pub fn new() -> Both {
        Both::with(&CONFIGS)
    }

    pub fn with((server, client): &(Arc<rustls::ServerConfig>, Arc<ClientConfig>)) -> Both {
        let (here, there) = UnixStream::pair().unwrap();
        here.set_nonblocking(true).unwrap();
        there.set_nonblocking(true).unwrap();
        let name = ServerName::try_from("bloom.test").unwrap();
        let client = ClientConnection::new(client.clone(), name).unwrap();
        Both { stream: Stream::new(server.clone()).unwrap(), here, there, client }
    }

    /// A connection after its handshake.
    pub fn shaken() -> Both {
        Both::new().shake()
    }

    pub fn shake(mut self) -> Both {
        while self.client.is_handshaking() || self.stream.is_handshaking() {
            self.client_moves();
            would_block(self.read());
        }
        // What the server has to say after it, such as tickets.
        self.client_moves();
        self
    }

    pub fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut buffer = [0; 4096];
        let count = self.stream.read(self.here.as_fd(), &mut buffer)?;
        Ok(buffer[..count].to_vec())
    }

    /// The client sends and receives what it can.
    pub fn client_moves(&mut self) {
        while self.client.wants_write() {
            match self.client.write_tls(&mut self.there) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        while self.client.wants_read() {
            match self.client.read_tls(&mut self.there) {
                Ok(0) => break,
                Ok(_) => drop(self.client.process_new_packets().unwrap()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

pub fn would_block<T: std::fmt::Debug>(result: io::Result<T>) {
    assert_eq!(result.unwrap_err().kind(), ErrorKind::WouldBlock);
}

pub fn stream_error(error: io::Error) -> StreamError {
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    *error.into_inner().unwrap().downcast().unwrap()
}
