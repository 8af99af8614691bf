//! One function with a behaviour for each path.

use std::time::Duration;

use ignite::prelude::*;
use tokio::time::sleep;

pub struct Warm(&'static str);

async fn prepare() -> Result<Warm> {
    match std::env::var("WIRE_WARM_UP").as_deref() {
        Ok("fails") => Err(Error::msg("the price list is missing")),
        _ => Ok(Warm("warm")),
    }
}

#[ignite::main(warm_up = prepare)]
pub async fn handler(req: Request<Body>, ctx: Context) -> Result<Response> {
    if req.path() == "/count" {
        return count(req).await;
    }
    if req.path() == "/echo" {
        return Ok(req.into_body().into_response());
    }
    let req = req.collect(4096).await?;
    Ok(match req.path() {
        "/hello" => {
            let message: String = req.field("message").unwrap_or_else(|_| "nothing".into());
            json!({ "message": message, "execution": ctx.execution_id(), "function": ctx.function_id(),
                "organization": ctx.organization_id(), "method": req.method().as_str(), "state": ctx.state::<Warm>().0 })
            .into_response()
        }
        "/field" => req.field::<u32>("size")?.to_string().into_response(),
        "/raw" => req.raw().clone().into_response(),
        "/fails" => return Err(Error::msg("no stock").with_source(std::io::Error::other("shelf 3 is empty"))),
        "/panics" => panic!("out of {}", "tea"),
        "/panics-with-a-number" => std::panic::panic_any(7),
        "/panics-twice" => std::panic::panic_any(Falls("a payload")),
        "/panics-in-a-drop" => {
            let _falls = Falls("a local");
            "never sent".into_response()
        }
        "/panics-later" => {
            sleep(Duration::from_millis(5)).await;
            panic!("out of tea later")
        }
        "/exits" => std::process::exit(7),
        "/exits-soon" => {
            std::thread::spawn(|| {
                std::thread::sleep(Duration::from_millis(20));
                std::process::exit(7);
            });
            StatusCode::ACCEPTED.into_response()
        }
        "/never" => {
            let _notes = Notes(req.query_param("notes"));
            let watcher = ctx.clone();
            let notes = req.query_param("watch");
            ctx.spawn(async move {
                watcher.cancelled().await;
                drop(Notes(notes));
            });
            std::future::pending().await
        }
        "/blocks" => {
            std::thread::sleep(Duration::from_millis(600));
            "blocked".into_response()
        }
        "/blocks-for-ever" => loop {
            std::thread::park();
        },
        "/blocks-later-for-ever" => {
            sleep(Duration::from_millis(5)).await;
            loop {
                std::thread::park();
            }
        }
        "/leaves-a-thread" => {
            std::thread::spawn(|| std::thread::sleep(Duration::from_secs(3600)));
            StatusCode::ACCEPTED.into_response()
        }
        "/sleeps" => {
            sleep(Duration::from_millis(200)).await;
            "slept".into_response()
        }
        "/later" => {
            let notes = Notes(req.query_param("notes"));
            ctx.spawn(async move {
                sleep(Duration::from_millis(300)).await;
                drop(notes);
            });
            StatusCode::ACCEPTED.into_response()
        }
        "/stream" => {
            let mut out = ctx.stream().status(StatusCode::CREATED).content_type("text/plain");
            out.send("one ").await?;
            sleep(Duration::from_millis(50)).await;
            out.send("two").await?;
            if req.query_param("break").is_some() {
                return Err(Error::msg("three is missing"));
            }
            if req.query_param("hang").is_some() {
                std::future::pending::<()>().await;
            }
            out.into_response()
        }
        "/temp" => temp(&req, &ctx)?,
        "/log" => {
            ctx.log("stored").warn().field("order", 17);
            println!("a line on stdout");
            ().into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    })
}

async fn count(mut req: Request<Body>) -> Result<Response> {
    let mut bytes = 0;
    while let Some(piece) = req.chunk().await? {
        bytes += piece.len();
    }
    Ok(bytes.to_string().into_response())
}

fn temp(req: &Request, ctx: &Context) -> Result<Response> {
    let store = ctx.temp_store();
    let name = req.query_param("name").unwrap_or_else(|| "a/b.txt".into());
    if let Some(target) = req.query_param("link") {
        std::os::unix::fs::symlink(target, store.path("link")?)?;
    }
    store.write(&name, req.raw())?;
    store.append(&name, "!")?;
    let folder = store.path("x")?.parent().map(|folder| folder.display().to_string());
    Ok(json!({ "used": store.used(), "read": store.read(&name)?.as_ref(), "folder": folder }).into_response())
}

/// Panics when it goes.
struct Falls(&'static str);

impl Drop for Falls {
    fn drop(&mut self) {
        panic!("{} fell", self.0);
    }
}

/// Leaves a file behind when it is dropped.
struct Notes(Option<String>);

impl Drop for Notes {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            std::fs::write(path, "dropped").unwrap();
        }
    }
}
