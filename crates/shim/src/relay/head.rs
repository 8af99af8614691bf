//! Version 2 of the PROXY protocol: the head with which the app's connections begin.

use crate::relay::line::Announced;

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2, on somebody else's behalf.
const PROXY: u8 = 0x21;
/// Version 2, on its own behalf: whoever reads it takes the connection as it is.
const LOCAL: u8 = 0x20;
const UNSPECIFIED: u8 = 0x00;
const TCP_OVER_V4: u8 = 0x11;
const TCP_OVER_V6: u8 = 0x21;

/// The head that says the same as a line of version 1.
pub fn write_head(announced: &Announced) -> Vec<u8> {
    let (command, family, rest) = match announced {
        Announced::Unknown => (LOCAL, UNSPECIFIED, Vec::new()),
        Announced::V4(client, place) => {
            let addresses = [client.ip().octets(), place.ip().octets()].concat();
            (PROXY, TCP_OVER_V4, with_ports(addresses, [client.port(), place.port()]))
        }
        Announced::V6(client, place) => {
            let addresses = [client.ip().octets(), place.ip().octets()].concat();
            (PROXY, TCP_OVER_V6, with_ports(addresses, [client.port(), place.port()]))
        }
    };
    let length = (rest.len() as u16).to_be_bytes();
    [SIGNATURE.as_slice(), &[command, family], &length, &rest].concat()
}

fn with_ports(mut addresses: Vec<u8>, ports: [u16; 2]) -> Vec<u8> {
    addresses.extend(ports.iter().flat_map(|port| port.to_be_bytes()));
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::line::{Line, read_line};

    fn head_of(line: &str) -> Vec<u8> {
        let Line::Whole(announced, _) = read_line(line.as_bytes()) else { panic!("{line} is not understood") };
        write_head(&announced)
    }

    #[test]
    fn says_what_the_line_said() {
        let begin = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
        let v4 = [0x21, 0x11, 0, 12, 203, 0, 113, 7, 198, 51, 100, 1, 0xdc, 0x04, 0x1e, 0xc6];
        assert_eq!(head_of("PROXY TCP4 203.0.113.7 198.51.100.1 56324 7878\r\n"), [&begin[..], &v4].concat());
        let v6 = [&[0x21, 0x21, 0, 36, 0x20, 0x01, 0x0d, 0xb8][..], &[0; 11], &[7], &[0; 15], &[1, 0, 1, 0xff, 0xff]];
        assert_eq!(head_of("PROXY TCP6 2001:db8::7 ::1 1 65535\r\n"), [&begin[..], &v6.concat()].concat());
        assert_eq!(head_of("PROXY UNKNOWN\r\n"), [&begin[..], &[0x20, 0, 0, 0]].concat());
    }
}
