mod tea {
    use ignite::prelude::*;

    #[ignite::main]
    async fn handler(_req: Request, _ctx: Context) -> Result<impl IntoResponse> {
        Ok("tea")
    }
}

mod coffee {
    use ignite::prelude::*;

    #[ignite::main]
    async fn handler(_req: Request, _ctx: Context) -> Result<impl IntoResponse> {
        Ok("coffee")
    }
}

fn main() {}
