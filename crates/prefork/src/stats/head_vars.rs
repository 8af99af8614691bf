//! The variables of a request that another process is serving, from the bytes of its head on the board. They may be
//! those of the next request by half: what does not look like a head is left out.

/// Not shown: who may read the numbers may not be allowed to act for a client.
const SECRET: &[&str] = &["HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_PROXY_AUTHORIZATION"];

/// `NAME=value` for each variable that follows from the head alone; of HTTP or of uWSGI's protocol.
pub fn vars_of(head: &[u8]) -> Vec<String> {
    let is_text = head.first().is_some_and(u8::is_ascii_alphabetic) && head.get(1).is_some_and(|byte| *byte != 0);
    if is_text { of_text(head) } else { of_packet(head) }
}

fn of_text(head: &[u8]) -> Vec<String> {
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let mut words = lines.next().unwrap_or_default().splitn(3, |byte| *byte == b' ');
    let mut next = || words.next().unwrap_or_default();
    let (method, uri, protocol) = (next(), next(), next());
    let query = uri.iter().position(|byte| *byte == b'?').map_or(&[][..], |at| &uri[at + 1..]);
    let mut vars = vec![
        var("REQUEST_METHOD", method),
        var("REQUEST_URI", uri),
        var("QUERY_STRING", query),
        var("SERVER_PROTOCOL", protocol),
    ];
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { break };
        let name = String::from_utf8_lossy(&line[..colon]).to_ascii_uppercase().replace('-', "_");
        let name = if matches!(&*name, "CONTENT_TYPE" | "CONTENT_LENGTH") { name } else { format!("HTTP_{name}") };
        vars.push(var(&name, line[colon + 1..].trim_ascii()));
    }
    vars
}

fn of_packet(head: &[u8]) -> Vec<String> {
    // The four bytes before the variables, if they are here: modifier, size, modifier.
    let size = |at: usize| head.get(at..at + 2).map(|size| usize::from(u16::from_le_bytes([size[0], size[1]])));
    let has_start = size(1).is_some_and(|size| size + 4 == head.len());
    let mut rest = if has_start { &head[4..] } else { head };
    let mut vars = Vec::new();
    while let Some((name, value)) = take(&mut rest).zip(take(&mut rest)) {
        vars.push(var(&String::from_utf8_lossy(name), value));
    }
    vars
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (size, after) = rest.split_first_chunk::<2>()?;
    let (taken, after) = after.split_at_checked(u16::from_le_bytes(*size).into())?;
    *rest = after;
    Some(taken)
}

fn var(name: &str, value: &[u8]) -> String {
    if SECRET.contains(&name) {
        format!("{name}=(hidden)")
    } else {
        format!("{name}={}", String::from_utf8_lossy(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn of_both_protocols() {
        let text =
            b"GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Some-Thing:  y z \r\nCookie: secret\r\nContent-Type: t\r\n\r\n";
        assert_eq!(
            vars_of(text),
            [
                "REQUEST_METHOD=GET",
                "REQUEST_URI=/a?b=c",
                "QUERY_STRING=b=c",
                "SERVER_PROTOCOL=HTTP/1.1",
                "HTTP_HOST=x",
                "HTTP_X_SOME_THING=y z",
                "HTTP_COOKIE=(hidden)",
                "CONTENT_TYPE=t",
            ]
        );
        let packet = b"\x00\x0c\x00\x00\x04\x00NAME\x04\x00some";
        assert_eq!(vars_of(packet), ["NAME=some"]);
        assert_eq!(vars_of(&packet[4..]), ["NAME=some"]);
        assert_eq!(vars_of(b""), [""; 0]);
    }

    proptest! {
        #[test]
        fn any_bytes_do(head: Vec<u8>) {
            vars_of(&head);
        }
    }
}
