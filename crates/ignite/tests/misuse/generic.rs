use ignite::prelude::*;

#[ignite::main]
async fn handler<T>(_req: Request<T>, _ctx: Context) -> Result<impl IntoResponse> {
    Ok("hello")
}
