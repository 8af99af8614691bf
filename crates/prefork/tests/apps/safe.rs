//! An app of the safe macro that does what its path says; the same paths as `classic.rs`, and more.

use prefork::{Request, Response};
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

static INITS: AtomicU32 = AtomicU32::new(0);
static WORKER: AtomicU32 = AtomicU32::new(0);

fn init() -> Result<(), String> {
    INITS.fetch_add(1, Relaxed);
    match std::env::var("SAFE_APP_FAILS") {
        Ok(why) if why == "panic" => panic!("init was asked to panic"),
        Ok(why) if why != "post_fork" => Err(why),
        _ => Ok(()),
    }
}

fn post_fork(worker: u32) -> Result<(), String> {
    WORKER.store(worker, Relaxed);
    prefork::info!("post_fork of worker {worker}");
    if std::env::var("SAFE_APP_FAILS").is_ok_and(|why| why == "post_fork") {
        return Err("post_fork was asked to fail".into());
    }
    Ok(())
}

fn exit() {
    prefork::warn!("exit of worker {}", WORKER.load(Relaxed));
}

#[prefork::application(init = init, post_fork = post_fork, exit = exit)]
fn application(req: &mut Request) -> Result<Response, std::io::Error> {
    let path = req.path().to_owned();
    let (name, argument) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let number = || argument.parse::<u64>().unwrap_or(0);
    Ok(match name {
        "" => Response::text("Hello").header("Foo", "Bar"),
        "sleep" => {
            std::thread::sleep(Duration::from_millis(number()));
            Response::text("slept")
        }
        "panic" => panic!("asked to panic"),
        "abort" => std::process::abort(),
        "segv" => {
            #[allow(unsafe_code)]
            // SAFETY: not sound, and meant so: nothing is mapped there.
            unsafe {
                std::ptr::without_provenance_mut::<u32>(16).write_volatile(1)
            };
            Response::text("still here")
        }
        "exit" => std::process::exit(3),
        "forever" => loop {
            std::thread::sleep(Duration::from_secs(3600));
        },
        "error" => return Err(std::io::Error::other("asked to fail")),
        "crlf" => Response::text("split").header("X-Split", "a\r\nInjected: yes"),
        "noheaders" => Response::new(200).body("bare"),
        "empty" => Response::text(""),
        "big" => Response::new(200).body(vec![b'x'; number() as usize]),
        "status" => Response::new(number() as u16),
        "pid" => Response::text(std::process::id().to_string()),
        "worker" => Response::text(format!("{} {}", prefork::worker_id(), WORKER.load(Relaxed))),
        "inits" => Response::text(INITS.load(Relaxed).to_string()),
        "env" => {
            let mut lines: Vec<String> = req.vars().map(|(name, value)| format!("{name}={value}\n")).collect();
            lines.sort();
            Response::text(lines.concat())
        }
        "echo" => Response::new(200).body(req.body().bytes(64 * 1024 * 1024)?),
        // As many lines as asked for; then, with `/panic` or `/error` behind the number, a bad end.
        "stream" => {
            let (count, end) = argument.split_once('/').unwrap_or((argument, ""));
            let (count, end) = (count.parse::<u64>().unwrap_or(0), end.to_owned());
            Response::stream(move |out: &mut dyn Write| {
                for line in 0..count {
                    writeln!(out, "{line}")?;
                }
                match end.as_str() {
                    "panic" => panic!("asked to panic in the stream"),
                    "error" => Err(std::io::Error::other("asked to fail in the stream")),
                    _ => Ok(()),
                }
            })
        }
        // The length is known, the pieces come one by one.
        "reader" => Response::reader(std::io::Read::take(std::io::repeat(b'r'), number()), Some(number())),
        _ => Response::not_found(),
    })
}
