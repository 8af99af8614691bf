use ignite::prelude::*;

struct Order;

#[ignite::main]
async fn handler(_order: Order, _ctx: Context) -> Result<impl IntoResponse> {
    Ok("hello")
}
