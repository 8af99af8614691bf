use ignite::prelude::*;

#[ignite::main(warmup = prepare)]
async fn handler(_req: Request, _ctx: Context) -> Result<impl IntoResponse> {
    Ok("hello")
}
