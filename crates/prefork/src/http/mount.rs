//! Which app a path belongs to.

/// Mount points, each with the number it was given at.
#[derive(Clone, Debug, Default)]
pub struct Mounts {
    /// Longest first.
    list: Vec<(String, usize)>,
}

impl Mounts {
    /// The mount points in the order of their apps: "" (or `/`) for the whole tree, else such as `/api`.
    pub fn new<'a>(points: impl IntoIterator<Item = &'a str>) -> Mounts {
        let mut list: Vec<_> = points.into_iter().enumerate().map(|(number, point)| (tidy(point), number)).collect();
        list.sort_by_key(|(point, _)| std::cmp::Reverse(point.len()));
        Mounts { list }
    }

    /// The number of the app that a path belongs to, and the mount point without a slash at its end: the longest one
    /// whose segments the path begins with. `/api` has `/api` and `/api/x`, not `/apis`.
    pub fn find(&self, path: &[u8]) -> Option<(usize, &str)> {
        let holds = |point: &str| match path.strip_prefix(point.as_bytes()) {
            Some(rest) => point.is_empty() || matches!(rest.first(), None | Some(b'/')),
            None => false,
        };
        self.list.iter().find(|(point, _)| holds(point)).map(|(point, number)| (*number, point.as_str()))
    }
}

fn tidy(point: &str) -> String {
    match point.trim_matches('/') {
        "" => String::new(),
        point => format!("/{point}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_mount_point_has_the_path() {
        let mounts = Mounts::new(["/api", "", "/api/v2/", "static"]);
        for (path, found) in [
            ("/", (1, "")),
            ("/apis", (1, "")),
            ("/API", (1, "")),
            ("*", (1, "")),
            ("/api", (0, "/api")),
            ("/api/", (0, "/api")),
            ("/api/v1", (0, "/api")),
            ("/api/v22", (0, "/api")),
            ("/api/v2", (2, "/api/v2")),
            ("/api/v2/x", (2, "/api/v2")),
            ("/static/x", (3, "/static")),
        ] {
            assert_eq!(mounts.find(path.as_bytes()), Some(found), "{path}");
        }
    }

    #[test]
    fn what_is_not_mounted_is_not_found() {
        let mounts = Mounts::new(["/api"]);
        assert_eq!(mounts.find(b"/"), None);
        assert_eq!(mounts.find(b"/apis"), None);
        assert_eq!(Mounts::new(["/"]).find(b"/x"), Some((0, "")));
    }
}
