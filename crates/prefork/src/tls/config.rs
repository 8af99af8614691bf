//! Reads a certificate and its key.

use super::error::TlsError;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::{Error, ServerConfig};
use std::path::Path;
use std::sync::Arc;

/// How TLS is spoken with a certificate chain and its key, both in PEM: TLS 1.2 and 1.3, HTTP/1.1 only.
///
/// For the master, before it drops its rights: nothing is read later. Workers that are forked from it share the keys of
/// session tickets, so a client resumes its session at any of them.
pub fn server_config(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(cert)?;
    let private = private_key(key)?;
    let wrong = |path: &Path, error: &dyn std::fmt::Display| TlsError::Wrong {
        path: path.to_owned(),
        problem: format!("cannot be used for https-socket: {error}"),
    };
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(cert, &error))?;
    let built = builder.with_no_client_auth().with_single_cert(chain, private).map_err(|error| match error {
        Error::InconsistentKeys(_) => TlsError::Mismatch { cert: cert.to_owned(), key: key.to_owned() },
        Error::InvalidCertificate(_) => wrong(cert, &error),
        _ => wrong(key, &error),
    });
    let mut config = built?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A table of sessions would be known to one worker only.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = ring::Ticketer::new().map_err(|error| wrong(key, &error))?;
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path, "the certificate")?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|error| wrong(path, format!("is not PEM: {error}")))?;
    if chain.is_empty() {
        return Err(wrong(path, "holds no certificate; `-----BEGIN CERTIFICATE-----` is expected".to_owned()));
    }
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read(path, "the key")?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        let encrypted = text.windows(9).any(|window| window == b"ENCRYPTED");
        wrong(
            path,
            match error {
                rustls::pki_types::pem::Error::NoItemsFound if encrypted => {
                    "the key is encrypted; decrypt it first, as nobody is there to type its passphrase".to_owned()
                }
                rustls::pki_types::pem::Error::NoItemsFound => {
                    "holds no private key; `-----BEGIN PRIVATE KEY-----` (or of RSA, or EC) is expected".to_owned()
                }
                other => format!("is not PEM: {other}"),
            },
        )
    })
}

fn read(path: &Path, role: &'static str) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|cause| TlsError::Unreadable { path: path.to_owned(), role, cause })
}

fn wrong(path: &Path, problem: String) -> TlsError {
    TlsError::Wrong { path: path.to_owned(), problem }
}
