//! A webhook: who sends an event signs it; what is to be done with it goes on after the answer, or is told while it
//! happens.

mod signature;

use ignite::prelude::*;
use serde::Deserialize;
use std::time::Duration;

/// One order, as the shop tells it.
#[derive(Deserialize)]
struct Order {
    id: u64,
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    name: String,
    cents: u64,
}

#[ignite::main]
async fn handler(req: Request, ctx: Context) -> Result<Response> {
    match (req.method().as_str(), req.path()) {
        // Senders ask once whether somebody is there: the challenge comes back as it is.
        ("GET", "/hook") => Ok(req.query_param("challenge").unwrap_or_default().into_response()),
        ("POST", "/hook") => take_event(&req, &ctx),
        ("POST", "/report") => report(&req, &ctx).await,
        _ => Err(Error::not_found("POST an order to /hook or to /report")),
    }
}

/// Answers at once; the work is done after the answer, and the platform waits for it before it ends an instance.
fn take_event(req: &Request, ctx: &Context) -> Result<Response> {
    let order = verified_order(req, ctx)?;
    let id = order.id;
    let later = ctx.clone();
    ctx.spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await; // a mail, a printer, a slow neighbour…
        later.log("order packed").field("order", order.id).field("cents", total(&order));
    });
    Ok((StatusCode::ACCEPTED, json!({ "accepted": id })).into_response())
}

/// Tells line by line how far it has come. Queued with `bloom invoke --async`, it is a job.
async fn report(req: &Request, ctx: &Context) -> Result<Response> {
    let order = verified_order(req, ctx)?;
    let mut out = ctx.stream().content_type("application/x-ndjson");
    for item in &order.items {
        tokio::time::sleep(Duration::from_millis(20)).await;
        out.send_json(&json!({ "packed": item.name })).await?;
    }
    out.send_json(&json!({ "order": order.id, "cents": total(&order) })).await?;
    Ok(out.into_response())
}

fn verified_order(req: &Request, ctx: &Context) -> Result<Order> {
    let secret = ctx.env().require("WEBHOOK_SECRET")?;
    if !signature::is_valid(&secret, req.header("x-signature").unwrap_or_default(), req.raw()) {
        return Err(Error::unauthorized("the signature does not belong to this body"));
    }
    req.body()
}

fn total(order: &Order) -> u64 {
    order.items.iter().map(|item| item.cents).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = r#"{"id":17,"items":[{"name":"tea","cents":240},{"name":"cup","cents":900}]}"#;

    fn post(path: &str, secret: &str) -> ignite::test::TestRequest {
        let signed = signature::sign(secret, ORDER.as_bytes());
        ignite::test::post(ORDER).path(path).header("x-signature", &signed).env("WEBHOOK_SECRET", "s3cret")
    }

    #[test]
    fn a_signed_event_is_accepted() {
        let response = post("/hook", "s3cret").call(handler);
        assert_eq!(response.status(), 202);
        assert_eq!(response.json::<Value>(), json!({ "accepted": 17 }));
    }

    #[test]
    fn one_with_another_signature_is_not() {
        assert_eq!(post("/hook", "guess").call(handler).status(), 401);
        let unsigned = ignite::test::post(ORDER).path("/hook").env("WEBHOOK_SECRET", "s3cret");
        assert_eq!(unsigned.call(handler).status(), 401);
    }

    #[test]
    fn a_report_comes_in_lines() {
        let text = post("/report", "s3cret").call(handler).text().to_string();
        assert_eq!(text.lines().count(), 3);
        assert!(text.ends_with("{\"cents\":1140,\"order\":17}\n"), "{text}");
    }

    #[test]
    fn the_challenge_comes_back() {
        assert_eq!(ignite::test::get("/hook?challenge=abc").call(handler).text(), "abc");
    }
}
