use ignite::prelude::*;

struct Shop;

impl Shop {
    #[ignite::main]
    async fn handler(&self, _req: Request, _ctx: Context) -> Result<impl IntoResponse> {
        Ok("hello")
    }
}

fn main() {}
