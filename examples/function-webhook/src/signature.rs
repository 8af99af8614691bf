use hmac::{Hmac, Mac};
use sha2::Sha256;

fn mac(secret: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("keys of any length will do");
    mac.update(body);
    mac
}

/// Whether `sha256=<hex>` is this body's signature; takes the same time whatever differs.
pub fn is_valid(secret: &str, signature: &str, body: &[u8]) -> bool {
    let given = signature.strip_prefix("sha256=").and_then(|digits| hex::decode(digits).ok());
    given.is_some_and(|given| mac(secret, body).verify_slice(&given).is_ok())
}

#[cfg(test)]
pub fn sign(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(mac(secret, body).finalize().into_bytes()))
}
