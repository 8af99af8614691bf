//! Addresses of sockets.

use std::path::Path;

use super::values::normal;
use crate::settings::Address;

/// What can be written.
const SHAPES: &str = ":8080, 127.0.0.1:8080, [::1]:8080, /path/to.sock, @name or fd://3";

/// Reads an address; a relative path is below `base`. An error is a message.
pub(super) fn parse(text: &str, base: &Path) -> Result<Address, String> {
    if let Some(number) = text.strip_prefix("fd://") {
        let number = number.parse().ok().filter(|number: &i32| *number >= 0);
        return number.map(Address::Inherited).ok_or_else(|| format!("\"{text}\" names no descriptor, as fd://3 does"));
    }
    if let Some(name) = text.strip_prefix('@') {
        return match name.len() {
            0 => Err("@ without a name".into()),
            1..=107 => Ok(Address::Abstract(name.to_owned())),
            length => Err(format!("a name of {length} bytes; 107 are the most")),
        };
    }
    if text.contains("://") {
        return Err(format!("\"{text}\" is no address; write {SHAPES}"));
    }
    match text.rsplit_once(':').filter(|_| !text.starts_with(['/', '.'])) {
        Some((host, port)) => tcp(text, host, port),
        None => unix(text, base),
    }
}

fn tcp(text: &str, host: &str, port: &str) -> Result<Address, String> {
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|_| digits);
    let port = port.ok_or_else(|| format!("\"{text}\" has no port of 0 to 65535; write {SHAPES}"))?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if bare.is_none() && host.contains([':', '[', ']', '/', ' ']) {
        return Err(format!("\"{text}\" is no address; one of IPv6 stands in brackets, as [::1]:8080"));
    }
    let host = if host == "*" { "" } else { bare.unwrap_or(host) };
    Ok(Address::Tcp { host: host.to_owned(), port })
}

fn unix(text: &str, base: &Path) -> Result<Address, String> {
    if text.is_empty() {
        return Err(format!("no address; write {SHAPES}"));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("\"{text}\" is a file's name; a port is written :{text}"));
    }
    let path = normal(&base.join(text));
    match path.as_os_str().len() {
        0..=107 => Ok(Address::Unix(path)),
        length => Err(format!("a path of {length} bytes; a unix socket has 107 at most")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let tcp = |host: &str, port| Ok(Address::Tcp { host: host.into(), port });
        let of = |text| parse(text, Path::new("/app"));
        assert_eq!(of(":8080"), tcp("", 8080));
        assert_eq!(of("*:8080"), tcp("", 8080));
        assert_eq!(of("127.0.0.1:0"), tcp("127.0.0.1", 0));
        assert_eq!(of("[::1]:80"), tcp("::1", 80));
        assert_eq!(of("/run/a.sock"), Ok(Address::Unix("/run/a.sock".into())));
        assert_eq!(of("./a:b.sock"), Ok(Address::Unix("/app/a:b.sock".into())));
        assert_eq!(of("app.sock"), Ok(Address::Unix("/app/app.sock".into())));
        assert_eq!(of("@bloom"), Ok(Address::Abstract("bloom".into())));
        assert_eq!(of("fd://3"), Ok(Address::Inherited(3)));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "8080", ":", ":x", ":70000", ":+80", "::1:80", "fd://", "fd://-1", "@", "http://x:80"] {
            assert!(parse(text, Path::new("/")).is_err(), "{text}");
        }
        assert!(parse(&"x".repeat(200), Path::new("/")).is_err());
    }
}
