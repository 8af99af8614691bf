//! A plain `fn` as a handler, with a behaviour for each path.

use std::time::Duration;

use ignite::prelude::*;

pub fn handler(req: Request, _ctx: Context) -> Result<Response> {
    Ok(match req.path() {
        "/raw" => req.raw().clone().into_response(),
        "/panics" => panic!("out of {}", "tea"),
        "/exits" => std::process::exit(7),
        "/sleeps" => {
            std::thread::sleep(Duration::from_millis(200));
            "slept".into_response()
        }
        "/blocks-for-ever" => loop {
            std::thread::park();
        },
        _ => StatusCode::NOT_FOUND.into_response(),
    })
}
