use ignite::prelude::*;

#[ignite::main]
async fn handler(_req: Request) -> Result<impl IntoResponse> {
    Ok("hello")
}
