use ignite::prelude::*;

#[ignite::main]
async fn hello(_req: Request, _ctx: Context) -> Result<impl IntoResponse> {
    Ok("hello")
}
