use prefork::{Request, Response};

#[prefork::application]
fn application(req: &mut Request) -> Response {
    match (req.method(), req.path()) {
        ("GET", "/") => Response::text(format!("Hello from worker {}\n", prefork::worker_id())),
        ("POST", "/shout") => match req.body().text(64 * 1024) {
            Ok(words) => Response::text(words.to_uppercase()),
            Err(error) => Response::text(format!("{error}\n")).status(400),
        },
        ("GET", "/count") => Response::stream(|out| (1..=10).try_for_each(|number| writeln!(out, "{number}"))),
        _ => Response::not_found(),
    }
}

#[test]
fn shouts() {
    let answer = prefork::test::post("/shout", "tea, please").call(application);
    assert_eq!(answer.text(), "TEA, PLEASE");
}
