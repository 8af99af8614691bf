use super::*;
use proptest::prelude::*;

fn told(len: usize, source: &str, destination: &str) -> Proxied {
    Proxied::Complete { len, source: source.parse().ok(), destination: destination.parse().ok() }
}

fn binary(version: u8, family: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = (payload.len() as u16).to_be_bytes();
    [SIGNATURE, &[version, family, high, low], payload].concat()
}

#[test]
fn lines_of_version_1() {
    for (line, source, destination) in [
        ("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", "192.0.2.1:56324", "192.0.2.2:443"),
        ("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0:0", "255.255.255.255:65535"),
        ("PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "[2001:db8::1]:1", "[::1]:2"),
        ("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "192.0.2.1:1", "[::1]:2"),
        ("PROXY UNKNOWN\r\n", "", ""),
        ("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", "", ""),
    ] {
        let buf = format!("{line}GET / HTTP/1.1\r\n");
        assert_eq!(parse(buf.as_bytes()), told(line.len(), source, destination), "{line}");
        for end in 0..line.len() {
            assert_eq!(parse(&buf.as_bytes()[..end]), Proxied::Partial, "{end} of {line}");
        }
    }
}

#[test]
fn announcements_of_version_2() {
    let four = [192, 0, 2, 1, 192, 0, 2, 2, 0xdc, 4, 1, 0xbb];
    let mut six = [0; 36];
    six[..2].copy_from_slice(&[0x20, 1]);
    six[15] = 1;
    six[31] = 2;
    six[33] = 80;
    six[35] = 81;
    let more = [&four[..], b"\x04\x00\x03abc"].concat();
    for (buf, source, destination) in [
        (binary(0x21, 0x11, &four), "192.0.2.1:56324", "192.0.2.2:443"),
        (binary(0x21, 0x12, &four), "192.0.2.1:56324", "192.0.2.2:443"),
        (binary(0x21, 0x11, &more), "192.0.2.1:56324", "192.0.2.2:443"),
        (binary(0x21, 0x21, &six), "[2001::1]:80", "[::2]:81"),
        (binary(0x21, 0x31, &[0; 216]), "", ""),
        (binary(0x21, 0x00, &[]), "", ""),
        (binary(0x20, 0x11, &four), "", ""),
        (binary(0x20, 0x00, &[]), "", ""),
    ] {
        for end in 0..buf.len() {
            assert_eq!(parse(&buf[..end]), Proxied::Partial, "{end} of {buf:?}");
        }
        let followed = [&buf[..], b"GET /"].concat();
        assert_eq!(parse(&followed), told(buf.len(), source, destination), "{buf:?}");
    }
}

#[test]
fn what_is_no_announcement() {
    let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(100));
    let cases: Vec<Vec<u8>> = [
        "GET / HTTP/1.1\r\n",
        "PROXIED",
        "\r\nPROXY",
        "PROXY \r\n",
        "PROXY\r\n",
        "PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2  2\r\n",
        "PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP4 01.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP4 ::1 ::2 1 2\r\n",
        "PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n",
        "\r\n\r\n\0\r\nQUIX\n",
        &long,
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .chain([
        binary(0x11, 0x11, &[0; 12]),
        binary(0x22, 0x11, &[0; 12]),
        binary(0x21, 0x11, &[0; 11]),
        binary(0x21, 0x21, &[0; 35]),
        binary(0x21, 0x31, &[0; 215]),
        binary(0x21, 0x41, &[0; 216]),
        binary(0x21, 0x11, &[0; REST + 1]),
    ])
    .collect();
    for buf in cases {
        let parsed = parse(&buf);
        assert!(matches!(parsed, Proxied::Malformed(_)), "{parsed:?} of {:?}", buf.escape_ascii().to_string());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_borne(
        start in prop::sample::select(vec![&b""[..], b"PROXY ", b"PROXY TCP4 ", SIGNATURE, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0"]),
        rest in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let buf = [start, &rest].concat();
        let whole = parse(&buf);
        if let Proxied::Complete { len, .. } = whole {
            prop_assert!(len <= buf.len());
        }
        // Pieces come to the same as the whole.
        let first = (0..=buf.len()).map(|end| parse(&buf[..end])).find(|parsed| *parsed != Proxied::Partial);
        prop_assert_eq!(first.map(kind).unwrap_or(None), kind(whole));
    }

    #[test]
    fn addresses_are_read_as_they_were_written(source in any::<[u8; 4]>(), port in any::<u16>(), destination in any::<[u16; 8]>()) {
        let source = SocketAddr::from((source, port));
        let line = format!("PROXY TCP4 {} 127.0.0.1 {port} 1\r\n", source.ip());
        prop_assert_eq!(parse(line.as_bytes()), told(line.len(), &source.to_string(), "127.0.0.1:1"));
        let destination = Ipv6Addr::from(destination);
        let payload = [&[0; 16][..], &destination.octets(), &[0, 0], &port.to_be_bytes()].concat();
        let parsed = parse(&binary(0x21, 0x21, &payload));
        let expected = SocketAddr::new(IpAddr::V6(destination).to_canonical(), port);
        prop_assert_eq!(parsed, told(52, "[::]:0", &expected.to_string()));
    }
}

/// What an answer is, leaving the words of a fault aside: they depend on how much was there.
fn kind(parsed: Proxied) -> Option<Option<(usize, Option<SocketAddr>)>> {
    match parsed {
        Proxied::Partial => None,
        Proxied::Complete { len, source, .. } => Some(Some((len, source))),
        Proxied::Malformed(_) => Some(None),
    }
}
