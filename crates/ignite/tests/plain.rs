//! A plain `fn`, in a crate that is as strict as one can be.
#![deny(warnings, missing_docs, unreachable_pub)]
#![forbid(unsafe_code)]

use ignite::prelude::*;

#[ignite::main]
fn handler(req: Request, ctx: Context) -> Result<impl IntoResponse> {
    if req.path() == "/panics" {
        panic!("no tea");
    }
    if req.path() == "/streams" {
        let mut out = ctx.stream().content_type("text/plain");
        for n in 0..100 {
            out.blocking_send(format!("{n} "))?;
        }
        return Ok("end".into_response());
    }
    while req.path() == "/waits" && !ctx.is_cancelled() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    ctx.temp_store().write("copy", req.raw())?;
    Ok(ctx.temp_store().read("copy")?.into_response())
}

#[test]
fn is_called_without_a_server() {
    assert_eq!(ignite::test::post("tea").call(handler).text(), "tea");
    let response = ignite::test::get("/panics").call(handler);
    assert_eq!(
        (response.status(), response.text()),
        (StatusCode::INTERNAL_SERVER_ERROR, r#"{"error":"the handler panicked: no tea"}"#)
    );
}

#[test]
fn streams_more_than_waits_in_between() {
    let text = ignite::test::get("/streams").call(handler).text().to_owned();
    assert!(text.starts_with("0 1 2 ") && text.ends_with(" 98 99 end"), "{text}");
}

#[test]
fn is_told_when_it_is_late() {
    let late = std::time::Duration::from_millis(20);
    assert_eq!(ignite::test::get("/waits").timeout(late).call(handler).status(), 504);
}
