//! Patterns of paths, for `for-glob`: `*`, `?` and `[…]` within a component.

use std::path::{Path, PathBuf};

use super::host::Host;

/// The paths of a pattern in order; at most `most`.
pub(super) fn paths(host: &dyn Host, pattern: &str, most: usize) -> Vec<String> {
    let absolute = pattern.starts_with('/');
    let mut found = vec![if absolute { PathBuf::from("/") } else { PathBuf::new() }];
    for component in pattern.split('/').filter(|component| !component.is_empty()) {
        found = found.iter().flat_map(|folder| step(host, folder, component)).take(most).collect();
    }
    found.retain(|path| !path.as_os_str().is_empty() && host.exists(&host.cwd().join(path)));
    found.iter().map(|path| path.display().to_string()).collect()
}

fn step(host: &dyn Host, folder: &Path, component: &str) -> Vec<PathBuf> {
    if !component.contains(['*', '?', '[']) {
        return vec![folder.join(component)];
    }
    let mut names = host.list(&host.cwd().join(folder));
    names.retain(|name| (!name.starts_with('.') || component.starts_with('.')) && matches(component, name));
    names.sort();
    names.iter().map(|name| folder.join(name)).collect()
}

/// Whether a name is of a pattern.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to go on when a later part does not fit: behind the last `*`, one character further.
    let mut back: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            back = Some((p + 1, n));
            p += 1;
            continue;
        }
        if let Some(width) = one(&pattern[p..], name[n]) {
            p += width;
            n += 1;
            continue;
        }
        let Some((star, from)) = back else { return false };
        back = Some((star, from + 1));
        (p, n) = (star, from + 1);
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// How many characters of the pattern stand for this one character.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => {
            let Some(length) = pattern.iter().skip(2).position(|c| *c == ']') else { return (c == '[').then_some(1) };
            let set = &pattern[1..length + 2];
            let (negated, set) =
                if matches!(set[0], '!' | '^') && set.len() > 1 { (true, &set[1..]) } else { (false, set) };
            let range = set.windows(3).any(|w| w[1] == '-' && w[0] <= c && c <= w[2]);
            (negated != (range || set.contains(&c))).then_some(length + 3)
        }
        other => (*other == c).then_some(1),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_names() {
        for (pattern, name, expected) in [
            ("*.ini", "a.ini", true),
            ("*.ini", "a.inx", false),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[!a-c]x", "dx", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "ab ba", false),
            ("[", "[", true),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
