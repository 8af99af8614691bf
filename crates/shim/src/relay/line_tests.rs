use super::*;
use proptest::prelude::*;

fn v4(client: &str, place: &str) -> Announced {
    Announced::V4(client.parse().unwrap(), place.parse().unwrap())
}

fn v6(client: &str, place: &str) -> Announced {
    Announced::V6(client.parse().unwrap(), place.parse().unwrap())
}

#[test]
fn is_understood_and_what_follows_is_left() {
    let longest = format!("PROXY TCP6 {0} {0} 65535 65535\r\n", ["ffff"; 8].join(":"));
    let unknown = format!("PROXY UNKNOWN {}\r\n", "x".repeat(LONGEST - 16));
    assert_eq!((longest.len(), unknown.len()), (104, LONGEST));
    let all = ["[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"; 2];
    for (line, announced) in [
        ("PROXY TCP4 203.0.113.7 198.51.100.1 56324 7878\r\n", v4("203.0.113.7:56324", "198.51.100.1:7878")),
        ("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", v4("0.0.0.0:0", "255.255.255.255:65535")),
        ("PROXY TCP6 2001:db8::7 ::1 1 2\r\n", v6("[2001:db8::7]:1", "[::1]:2")),
        ("PROXY TCP6 ::ffff:10.0.0.1 ::1 1 2\r\n", v6("[::ffff:10.0.0.1]:1", "[::1]:2")),
        ("PROXY UNKNOWN\r\n", Announced::Unknown),
        ("PROXY UNKNOWN whatever else\r\n", Announced::Unknown),
        (&longest, v6(all[0], all[1])),
        (&unknown, Announced::Unknown),
    ] {
        let whole = Line::Whole(announced, line.len());
        assert_eq!(read_line(line.as_bytes()), whole, "{line}");
        assert_eq!(read_line(format!("{line}hello\r\n").as_bytes()), whole, "{line}");
        // It may come a byte at a time.
        for end in 0..line.len() {
            assert_eq!(read_line(&line.as_bytes()[..end]), Line::Partial, "{line} to {end}");
        }
    }
}

#[test]
fn nothing_else_is_taken_for_one() {
    let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(LONGEST - 15));
    for text in [
        "GET / HTTP/1.1\r\n",
        "proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY\r\n",
        "PROXY \r\n",
        "PROXY TCP4\r\n",
        "PROXY UNKNOWN\n",
        "PROXY  UNKNOWN\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
        "PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n",
        "PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.\u{0664} 1 2\r\n",
        &long,
        &"PROXY TCP4 ".repeat(20),
    ] {
        assert_eq!(read_line(text.as_bytes()), Line::Wrong, "{text:?}");
    }
    assert_eq!(read_line(b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\xff\r\n"), Line::Wrong);
    assert_eq!(read_line(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c"), Line::Wrong, "version 2");
}

fn some_line() -> impl Strategy<Value = String> {
    let words = proptest::collection::vec("[ -~]{0,12}|TCP[46]|UNKNOWN|[0-9.:a-f]{0,40}|[0-9]{0,6}", 0..7);
    (words, "\r\n|\n|\r|").prop_map(|(words, end)| format!("PROXY {}{end}", words.join(" ")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn whatever_comes_is_decided_in_time(
        bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300),
            (some_line(), proptest::collection::vec(any::<u8>(), 0..50)).prop_map(|(line, rest)| [line.as_bytes(), &rest].concat()),
        ],
    ) {
        let found = read_line(&bytes);
        if bytes.len() >= LONGEST {
            prop_assert_ne!(found, Line::Partial);
        }
        if let Line::Whole(_, length) = found {
            prop_assert!(length <= LONGEST.min(bytes.len()));
            prop_assert!(bytes[..length].ends_with(b"\r\n") && !bytes[..length - 1].contains(&b'\n'));
        }
        // What has been decided stays so, however the bytes come.
        let mut earlier = Line::Partial;
        for end in 0..=bytes.len() {
            let next = read_line(&bytes[..end]);
            prop_assert!(earlier == Line::Partial || earlier == next);
            earlier = next;
        }
        prop_assert_eq!(earlier, found);
    }

    #[test]
    fn every_address_comes_back(client: [u8; 4], place: [u8; 4], far: [u16; 8], near: [u16; 8], from: u16, to: u16) {
        let (client, place) = (Ipv4Addr::from(client), Ipv4Addr::from(place));
        let line = format!("PROXY TCP4 {client} {place} {from} {to}\r\n");
        let v4 = Announced::V4(SocketAddrV4::new(client, from), SocketAddrV4::new(place, to));
        prop_assert_eq!(read_line(line.as_bytes()), Line::Whole(v4, line.len()));
        let (client, place) = (Ipv6Addr::from(far), Ipv6Addr::from(near));
        let line = format!("PROXY TCP6 {client} {place} {from} {to}\r\n");
        let v6 = Announced::V6(SocketAddrV6::new(client, from, 0, 0), SocketAddrV6::new(place, to, 0, 0));
        prop_assert_eq!(read_line(line.as_bytes()), Line::Whole(v6, line.len()));
    }
}
