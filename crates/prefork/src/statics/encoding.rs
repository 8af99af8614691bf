//! Which compressed file a client would take, by its Accept-Encoding.

/// An encoding that files are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// As in Content-Encoding.
    pub name: &'static str,
    /// What the file's name has in addition.
    pub ending: &'static [u8],
}

/// Better ones first.
const KNOWN: [Encoding; 2] = [Encoding { name: "br", ending: b".br" }, Encoding { name: "gzip", ending: b".gz" }];

/// Encodings the client takes and likes no less than none, in its order of preference, then in ours.
pub fn accepted(header: &str) -> Vec<Encoding> {
    let plain = quality(header, "identity").unwrap_or(0);
    let mut wanted: Vec<(u32, Encoding)> = KNOWN
        .into_iter()
        .filter_map(|encoding| {
            let quality = quality(header, encoding.name).or_else(|| quality(header, "*"))?;
            (quality > 0 && quality >= plain).then_some((quality, encoding))
        })
        .collect();
    // The sort keeps our order among equals.
    wanted.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    wanted.into_iter().map(|(_, encoding)| encoding).collect()
}

/// The q value of a coding in thousandths; None where it is not named. What cannot be read counts as 0.
fn quality(header: &str, coding: &str) -> Option<u32> {
    header.split(',').find_map(|item| {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next()?;
        let same = name.eq_ignore_ascii_case(coding) || (coding == "gzip" && name.eq_ignore_ascii_case("x-gzip"));
        if !same {
            return None;
        }
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Some(weight.map_or(1000, thousandths))
    })
}

fn thousandths(text: &str) -> u32 {
    match text.parse::<f32>() {
        Ok(value) if (0.0..=1.0).contains(&value) => (value * 1000.0) as u32,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(header: &str) -> Vec<&'static str> {
        accepted(header).into_iter().map(|encoding| encoding.name).collect()
    }

    #[test]
    fn preferences_are_followed() {
        assert_eq!(names("gzip, deflate, br"), ["br", "gzip"]);
        assert_eq!(names("br;q=0.5, gzip;q=0.8"), ["gzip", "br"]);
        assert_eq!(names("BR ; q=1.0"), ["br"]);
        assert_eq!(names("x-gzip"), ["gzip"]);
        assert_eq!(names("*"), ["br", "gzip"]);
        assert_eq!(names("br;q=0, *"), ["gzip"]);
        assert_eq!(names("identity, gzip"), ["gzip"]);
        assert!(names("identity, gzip;q=0.5").is_empty());
        assert!(names("").is_empty());
        assert!(names("deflate, gzip;q=0").is_empty());
        assert!(names("gzip;q=banana, br;q=7").is_empty());
    }
}
