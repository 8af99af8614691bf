use ignite::prelude::*;

struct Order;

#[ignite::main]
async fn handler(_req: Request, _ctx: Context) -> Result<Order> {
    Ok(Order)
}
