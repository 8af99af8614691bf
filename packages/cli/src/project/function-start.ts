import type { NewFile } from "./starting-point.js";

/** The manifest of a function; without a name it has that of its crate. Everything but the shape may be left out. */
export function renderFunctionManifest(name: string | null): string {
  return `# What this function is and how it runs; \`bloom validate\` checks it.
${name === null ? "" : `name = "${name}"\n`}shape = "function"

[function]
# What it does, in a sentence: tools are chosen by it.
# description = "Greets whoever asks."
# Requests that do not fit are answered with 400 before the handler sees them.
# input_schema = { type = "object" }
# mcp = true
# Callers need a token unless this is true.
# allow_unauthenticated = true

[run]
# Nothing runs when nobody asks, after this time.
# idle_seconds = 300
# max_replicas = 4
# concurrency = 64
# A handler that calls others over the network needs this.
# network = "outbound"

[limits]
# timeout_seconds = 60
# memory = "128MiB"

[env]
# Secrets do not belong here: \`bloom secret set\` keeps them.
# GREETING = "Hello"
`;
}

/** A handler and its crate. */
export function planHandler(name: string): NewFile[] {
  const crate = `[package]
name = "${name}"
version = "0.1.0"
edition = "2024"

[dependencies]
# The platform puts its own in this place. It adds serde, serde_json and tokio as well, where they are not written.
ignite = "*"
`;
  return [
    { path: "Cargo.toml", text: crate },
    { path: "src/lib.rs", text: handler },
    { path: ".gitignore", text: "/target\n" },
  ];
}

const handler = `use ignite::prelude::*;

/// Answers \`{"name": "Ada"}\` with a greeting.
#[ignite::main]
async fn handler(req: Request, ctx: Context) -> Result<impl IntoResponse> {
    let name: String = req.field("name").unwrap_or_else(|_| "world".to_string());
    Ok(ignite::json!({
        "greeting": format!("Hello, {name}!"),
        "execution": ctx.execution_id(),
    }))
}
`;
