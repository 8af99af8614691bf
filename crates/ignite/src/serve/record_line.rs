//! Records as text: written by hand, because one is made for every request.

use super::gate::Pressure;

/// What is told about one execution.
#[derive(Debug, Default)]
pub(crate) struct Record<'a> {
    pub(crate) execution: &'a str,
    pub(crate) at: u64,
    pub(crate) queue_us: u64,
    pub(crate) run_us: u64,
    pub(crate) status: u16,
    pub(crate) error: Option<&'a str>,
    pub(crate) request_bytes: u64,
    pub(crate) response_bytes: u64,
    pub(crate) cold: bool,
}

impl Record<'_> {
    /// Puts the line behind what is there, without its end, which may tell about others.
    pub(crate) fn write_to(&self, line: &mut String) {
        line.push_str("{\"execution\":");
        push_text(line, self.execution);
        let numbers = [
            (",\"at\":", self.at),
            (",\"queue_us\":", self.queue_us),
            (",\"run_us\":", self.run_us),
            (",\"status\":", self.status.into()),
            (",\"request_bytes\":", self.request_bytes),
            (",\"response_bytes\":", self.response_bytes),
        ];
        for (name, number) in numbers {
            line.push_str(name);
            push_number(line, number);
        }
        line.push_str(if self.cold { ",\"cold\":true,\"error\":" } else { ",\"cold\":false,\"error\":" });
        match self.error {
            Some(error) => push_text(line, shorten(error)),
            None => line.push_str("null"),
        }
    }

    pub(crate) fn for_reading(&self) -> String {
        let time = self.run_us as f64 / 1000.0;
        let error = self.error.map(|error| format!("  {}", shorten(error))).unwrap_or_default();
        format!("{}  {time:.1} ms  {} bytes{error}", self.status, self.response_bytes)
    }
}

impl Pressure {
    /// The line that tells how many run and wait at this moment, with its end.
    pub(crate) fn to_line(self, at: u64) -> String {
        let Self { running, waiting } = self;
        format!("{{\"pressure\":{{\"running\":{running},\"waiting\":{waiting}}},\"at\":{at}}}\n")
    }
}

fn push_number(line: &mut String, mut number: u64) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    line.push_str(std::str::from_utf8(&digits[first..]).unwrap_or("0"));
}

fn push_text(line: &mut String, text: &str) {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\') {
        line.push('"');
        line.push_str(text);
        line.push('"');
    } else {
        line.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// At most 1 KiB of text, cut between characters.
fn shorten(text: &str) -> &str {
    let mut end = text.len().min(1024);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_json_whatever_the_error_says() {
        for error in ["plain", "\"quoted\" \\ \n \u{7f} é \u{1b}[0m", ""] {
            let record = Record {
                execution: "e-1",
                at: u64::MAX,
                run_us: 10,
                status: 500,
                error: Some(error),
                cold: true,
                ..Record::default()
            };
            let mut line = String::new();
            record.write_to(&mut line);
            let line: serde_json::Value = serde_json::from_str(&(line + "}")).unwrap();
            let expected = serde_json::json!({ "execution": "e-1", "at": u64::MAX, "queue_us": 0, "run_us": 10,
                "status": 500, "error": error, "request_bytes": 0, "response_bytes": 0, "cold": true });
            assert_eq!(line, expected);
        }
    }

    #[test]
    fn a_long_error_is_cut_between_characters() {
        assert_eq!(shorten(&format!("x{}", "é".repeat(600))).len(), 1023);
        let line = Pressure { running: 2, waiting: 0 }.to_line(17);
        assert_eq!(line, "{\"pressure\":{\"running\":2,\"waiting\":0},\"at\":17}\n");
    }
}
