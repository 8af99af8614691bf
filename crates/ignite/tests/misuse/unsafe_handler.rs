use ignite::prelude::*;

#[ignite::main]
async unsafe fn handler(_req: Request, _ctx: Context) -> Result<impl IntoResponse> {
    Ok("hello")
}
