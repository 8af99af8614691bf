//! The argument list as it is executed: the spec's, with the descriptors that bubblewrap is given.

use crate::error::{SetupError, at};
use crate::seccomp;
use crate::sys;
use bloom_control::{Sandbox, Spec};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::unistd::execve;
use std::convert::Infallible;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::path::Path;

/// A command that is ready to be executed.
pub struct Command {
    argv: Vec<CString>,
    env: Vec<CString>,
    /// Descriptors the program is told the numbers of.
    passed: Vec<OwnedFd>,
    /// Descriptors the program expects under these numbers.
    given: Vec<(OwnedFd, RawFd)>,
}

impl Command {
    /// Builds the lists. `info` is the writing end of the pipe for bubblewrap's report. Of what is `given`, no
    /// descriptor may have a number that another one is to get.
    pub fn build(spec: &Spec, info: Option<OwnedFd>, given: Vec<(OwnedFd, RawFd)>) -> Result<Command, SetupError> {
        let (program, rest) = spec.command.split_first().ok_or_else(|| SetupError::refuse("command", "it is empty"))?;
        let mut words = vec![find_program(program)];
        let mut passed = Vec::new();
        if spec.sandbox == Sandbox::Bwrap {
            if spec.seccomp {
                let filter =
                    seccomp::filter_file().and_then(sys::move_up).map_err(at("make the system call filter"))?;
                words.extend(["--seccomp".into(), filter.as_raw_fd().to_string()]);
                passed.push(filter);
            }
            if let Some(info) = info {
                words.extend(["--info-fd".into(), info.as_raw_fd().to_string()]);
                passed.push(info);
            }
        }
        words.extend_from_slice(rest);
        if spec.pre_start.is_some() {
            add_gate(&mut words)?;
        }
        let env = spec.env.iter().map(|(name, value)| format!("{name}={value}"));
        Ok(Command { argv: to_c(words)?, env: to_c(env)?, passed, given })
    }

    /// Replaces this process.
    pub fn exec(&self) -> Result<Infallible, SetupError> {
        let program = &self.argv[0];
        for fd in &self.passed {
            let flags = FcntlArg::F_SETFD(FdFlag::empty());
            fcntl(fd.as_fd(), flags).map_err(at("pass a descriptor"))?;
        }
        for (fd, number) in &self.given {
            sys::give(fd, *number).map_err(at("pass a descriptor"))?;
        }
        execve(program, &self.argv, &self.env).map_err(at(format!("run {}", program.to_string_lossy())))
    }
}

/// Inside, the command waits on its standard input for a line, and begins with an empty one. An input that ends
/// without a line means that nobody will open the gate any more.
fn add_gate(words: &mut Vec<String>) -> Result<(), SetupError> {
    const GATE: &str = r#"read -r line || exit 125; unset line; exec "$@" </dev/null"#;
    let end = words.iter().position(|word| word == "--");
    let end = end.ok_or_else(|| SetupError::refuse("command", "bubblewrap's options have no end"))?;
    words.splice(end + 1..end + 1, ["/bin/sh", "-c", GATE, "sh"].map(str::to_owned));
    Ok(())
}

/// A plain name is looked for where the system keeps its programs; the command's own PATH is for later.
fn find_program(name: &str) -> String {
    let folders = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(Path::new);
    let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    match found {
        Some(path) if !name.contains('/') => path.to_string_lossy().into_owned(),
        _ => name.to_owned(),
    }
}

/// Words as the kernel takes them.
pub fn to_c(words: impl IntoIterator<Item = String>) -> Result<Vec<CString>, SetupError> {
    let words = words.into_iter().map(CString::new);
    words.collect::<Result<_, _>>().map_err(|_| SetupError::refuse("command", "it holds a NUL character"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::OFlag;

    fn spec(sandbox: &str, seccomp: bool) -> Spec {
        let text = format!(
            r#"{{"protocol":1,"id":"i","sandbox":"{sandbox}","command":["/bin/a","b"],"env":{{"K":"v w"}},
                "user":null,"netns":null,"stage":null,"cgroups":[],"rlimits":{{}},"nice":0,"seccomp":{seccomp}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn words(command: &Command) -> Vec<&str> {
        command.argv.iter().map(|word| word.to_str().unwrap()).collect()
    }

    #[test]
    fn bubblewrap_is_given_its_descriptors_and_nobody_else_is() {
        let pipe = || nix::unistd::pipe2(OFlag::O_CLOEXEC).unwrap().1;
        let plain = Command::build(&spec("none", true), Some(pipe()), Vec::new()).unwrap();
        assert_eq!(words(&plain), ["/bin/a", "b"]);
        assert_eq!(plain.env[0].to_str(), Ok("K=v w"));
        let sandboxed = Command::build(&spec("bwrap", true), Some(pipe()), Vec::new()).unwrap();
        let words = words(&sandboxed);
        assert_eq!((words[1], words[3], words[5]), ("--seccomp", "--info-fd", "b"));
        let open = Command::build(&spec("bwrap", false), None, Vec::new()).unwrap();
        assert_eq!(open.argv.len(), 2);
    }

    #[test]
    fn plain_names_are_found_and_paths_are_left_alone() {
        assert!(["/usr/bin/sh", "/bin/sh"].contains(&find_program("sh").as_str()));
        for path in ["/no/such", "./sh", "no-such-program-at-all"] {
            assert_eq!(find_program(path), path);
        }
    }

    #[test]
    fn words_that_no_program_can_be_given_are_refused() {
        let mut bad = spec("none", false);
        bad.command = vec!["/bin/a".into(), "x\0y".into()];
        assert!(Command::build(&bad, None, Vec::new()).is_err());
        bad.command.clear();
        assert!(Command::build(&bad, None, Vec::new()).is_err());
    }
}
