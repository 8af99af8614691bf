use ignite::prelude::*;

#[ignite::main]
async fn handler(req: Request, ctx: Context) -> Result<impl IntoResponse> {
    let name: String = req.field("name").unwrap_or_else(|_| "world".to_string());
    Ok(json!({ "greeting": format!("Hello, {name}!"), "execution": ctx.execution_id() }))
}
