//! Configurations on a real disk, read by the real machine.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use bloom_prefork::config::{Action, ConfigError, Loaded, System, load, load_again};
use bloom_prefork::settings::{Address, Protocol};

fn read(ini: &Path, more: &[&str]) -> Result<Loaded, ConfigError> {
    let mut args = vec![OsString::from("--ini"), ini.into()];
    args.extend(more.iter().map(OsString::from));
    load(&args, &System)
}

#[test]
fn a_folder_of_files_becomes_settings() {
    let folder = tempfile::tempdir().unwrap();
    let ini = folder.path().join("app.ini");
    let text = "[uwsgi]\nplugin = rust\ndlopen = %dlibapp.so\nrust-fn = application\nmaster = true\n\
                for-glob = %dconf.d/*.ini\nini = %(_)\nendfor =\n[tls]\nhttps-socket = :8443,%dc.pem,%dk.pem\n";
    fs::write(&ini, text).unwrap();
    fs::create_dir(folder.path().join("conf.d")).unwrap();
    fs::write(folder.path().join("conf.d/a.ini"), "[uwsgi]\nthreads = 10\nhttp-socket = %d../app.sock\n").unwrap();
    fs::write(folder.path().join("conf.d/b.ini"), "[uwsgi]\nprocesses = %k\nini = ../app.ini:tls\n").unwrap();
    fs::write(folder.path().join("conf.d/c.txt"), "nonsense").unwrap();
    let loaded = read(&ini, &["--threads=4"]).unwrap();
    assert_eq!((loaded.action, loaded.settings.threads), (Action::Serve, 4));
    assert!(loaded.settings.workers >= 1);
    assert_eq!(loaded.settings.apps[0].library, folder.path().join("libapp.so"));
    assert_eq!(loaded.settings.sockets[0].address, Address::Unix(folder.path().join("conf.d/../app.sock")));
    assert_eq!(loaded.settings.sockets[1].protocol, Protocol::Https);
    assert_eq!(loaded.sources.len(), 4);
}

#[test]
fn a_huge_file_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let ini = folder.path().join("huge.ini");
    File::create(&ini).unwrap().set_len(100 << 20).unwrap();
    let error = read(&ini, &[]).unwrap_err().to_string();
    assert!(error.contains("huge.ini is larger than 1 MiB"), "{error}");
}

#[test]
fn a_program_is_no_ini() {
    let error = read(&std::env::current_exe().unwrap(), &[]).unwrap_err().to_string();
    assert!(error.contains("is larger than 1 MiB") || error.contains("is not text"), "{error}");
}

#[test]
fn links_that_lead_to_themselves_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let ini = folder.path().join("app.ini");
    symlink(&ini, &ini).unwrap();
    let error = read(&ini, &[]).unwrap_err().to_string();
    assert!(error.contains("cannot be read"), "{error}");
    // A loop by another name has another path: it ends by its depth.
    let (real, link) = (folder.path().join("real.ini"), folder.path().join("sub"));
    symlink(folder.path(), &link).unwrap();
    fs::write(&real, "[uwsgi]\nini = %dsub/real.ini\n").unwrap();
    let error = read(&real, &[]).unwrap_err().to_string();
    assert!(error.contains("more than 32 deep"), "{error}");
}

#[test]
fn a_reload_is_seen_by_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let ini = folder.path().join("app.ini");
    fs::write(&ini, "[uwsgi]\ndlopen = x\nhttp-socket = :1\nif-reload =\nthreads = 7\nendif =\n").unwrap();
    let args = [OsString::from("--ini"), ini.into()];
    assert_eq!(load(&args, &System).unwrap().settings.threads, 1);
    assert_eq!(load_again(&args, &System).unwrap().settings.threads, 7);
}
