use ignite::prelude::*;

#[ignite::main(warm_up)]
async fn handler(_req: Request, _ctx: Context) -> Result<impl IntoResponse> {
    Ok("hello")
}
