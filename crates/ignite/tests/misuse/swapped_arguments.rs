use ignite::prelude::*;

#[ignite::main]
async fn handler(_ctx: Context, _req: Request) -> Result<impl IntoResponse> {
    Ok("hello")
}
