use super::*;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, pipe};
use std::io::Read;

fn child(act: impl FnOnce()) -> nix::unistd::Pid {
    // SAFETY: the child writes lines and ends, without running anything of the test.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            act();
            // SAFETY: as above.
            unsafe { libc::_exit(0) }
        }
        ForkResult::Parent { child } => child,
    }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn adds_to_what_is_there_or_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, "old\n").unwrap();
    Sink::file(&path, false).unwrap().write(b"new\n");
    assert_eq!(text(&path), "old\nnew\n");
    Sink::file(&path, true).unwrap().write(b"newer\n");
    assert_eq!(text(&path), "newer\n");
    let error = Sink::file(&folder.path().join("no/log"), false).err().unwrap().to_string();
    assert!(error.contains("/no/log cannot be opened for the log: "), "{error}");
}

#[test]
fn children_follow_a_file_that_was_moved() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("log"), folder.path().join("moved"));
    let sink = Sink::file(&path, false).unwrap();
    let (go, tell) = pipe().unwrap();
    let pid = child(|| {
        sink.write(b"child 1\n");
        // Until the parent has moved the file.
        let _ = nix::unistd::read(&go, &mut [0]);
        sink.write(b"child 2\n");
    });
    while !text(&path).contains("child 1") {
        std::thread::yield_now();
    }
    std::fs::rename(&path, &moved).unwrap();
    sink.write(b"parent 1\n");
    sink.reopen();
    sink.write(b"parent 2\n");
    nix::unistd::write(&tell, b"x").unwrap();
    waitpid(pid, None).unwrap();
    assert_eq!(text(&moved), "child 1\nparent 1\n");
    assert_eq!(text(&path), "parent 2\nchild 2\n");
}

#[test]
fn is_moved_away_to_a_free_name_and_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let sink = Sink::file(&path, false).unwrap();
    for index in 0..3 {
        sink.write(format!("line {index}\n").as_bytes());
        assert_eq!(sink.size(), Some(7));
        sink.rotate(None).unwrap();
        assert_eq!(sink.size(), Some(0));
    }
    let mut all: Vec<String> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| text(&entry.unwrap().path())).collect();
    all.sort();
    assert_eq!(all, ["", "line 0\n", "line 1\n", "line 2\n"]);
    let backup = folder.path().join("backup");
    sink.write(b"last\n");
    sink.rotate(Some(&backup)).unwrap();
    assert_eq!(text(&backup), "last\n");
    assert!(
        sink.rotate(Some(&folder.path().join("no/backup"))).unwrap_err().to_string().contains("cannot be moved to")
    );
    sink.write(b"goes on\n");
    assert_eq!(text(&path), "goes on\n");
}

#[test]
fn a_full_pipe_costs_lines_and_no_time_and_is_told_of() {
    for kind in [Kind::Plain, Kind::Asked] {
        let (reader, writer) = pipe().unwrap();
        let mut reader = File::from(reader);
        let room =
            usize::try_from(nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETPIPE_SZ(65536)).unwrap()).unwrap();
        let mut sink = Sink::output_of(writer.as_raw_fd()).unwrap();
        assert_eq!(sink.kind, Kind::Plain, "a pipe is opened anew so that nobody else's stops waiting");
        if kind == Kind::Asked {
            sink = Sink::new(nix::unistd::dup(&writer).unwrap(), kind, None).unwrap();
        }
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        for _ in 0..1000 {
            sink.write(&line);
        }
        let lost = sink.shared.lost.load(Relaxed);
        let written = 1000 - usize::try_from(lost).unwrap();
        // A pipe that is asked says that it is full when its last page is begun.
        assert!((room / 1024 - 3..=room / 1024).contains(&written), "{kind:?}: {written}");
        let flags = nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_GETFL).unwrap();
        assert_eq!(flags & libc::O_NONBLOCK, 0, "others still wait");
        let mut taken = vec![0; written * 1024];
        reader.read_exact(&mut taken).unwrap();
        sink.write(b"again\n");
        drop((sink, writer));
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, format!("again\nlog: {lost} lines before this one could not be written\n"));
    }
}

#[test]
fn a_full_disk_costs_lines_and_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let sink = Sink::file(&path, false).unwrap();
    sink.write(b"one\n");
    sink.write(b"two\n");
    std::fs::remove_file(&path).unwrap();
    sink.reopen();
    sink.write(b"three\n");
    assert_eq!(text(&path), "three\nlog: 2 lines before this one could not be written\n");
}

#[test]
fn a_line_that_went_out_in_part_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let sink = Sink::file(&path, false).unwrap();
    let pid = child(|| {
        // Files of this child end at 6 bytes; the signal that says so is not wanted.
        // SAFETY: numbers alone.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
        nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_FSIZE, 6, 6).unwrap();
        sink.write(b"half of it\n");
    });
    assert!(matches!(waitpid(pid, None).unwrap(), WaitStatus::Exited(_, 0)));
    sink.write(b"whole\n");
    assert_eq!(text(&path), "half o\nwhole\nlog: 1 lines before this one could not be written\n");
}

#[test]
fn output_follows_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let sink = Sink::file(&path, false).unwrap();
    let pid = child(|| {
        sink.take_output().unwrap();
        // SAFETY: plain bytes to descriptors of this child.
        let print = |text: &str| unsafe { libc::write(1, text.as_ptr().cast(), text.len()) };
        print("printed\n");
        sink.rotate(None).unwrap();
        print("printed later\n");
    });
    assert!(matches!(waitpid(pid, None).unwrap(), WaitStatus::Exited(_, 0)));
    assert_eq!(text(&path), "printed later\n");
}

#[test]
fn lines_of_many_writers_stay_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let sink = Sink::file(&path, false).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let sink = &sink;
            scope.spawn(move || {
                let line = [&[b'a' + thread; 300][..], b"\n"].concat();
                (0..200).for_each(|_| sink.write(&line));
            });
        }
        (0..20).for_each(|_| sink.rotate(None).unwrap());
    });
    let all: Vec<String> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| text(&entry.unwrap().path())).collect();
    let lines: Vec<&str> = all.iter().flat_map(|text| text.lines()).collect();
    assert_eq!(lines.len(), 800, "no line is lost while files change");
    assert!(lines.iter().all(|line| line.len() == 300 && line.bytes().all(|byte| byte == line.as_bytes()[0])));
}
