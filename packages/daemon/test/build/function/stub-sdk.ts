import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * A crate `ignite` that serves nothing: its program calls the handler once and prints what it answered, or that it
 * panicked. Enough to see that a function becomes a program.
 */
export const stubSdk: Readonly<Record<string, string>> = {
  "ignite/Cargo.toml":
    '[package]\nname = "ignite"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nignite-macros = { path = "../ignite-macros" }\nserde_json = "1"\n',
  "ignite/src/lib.rs": `pub use ignite_macros::main;
pub fn run(handler: fn() -> serde_json::Value) {
    match std::panic::catch_unwind(handler) {
        Ok(answer) => println!("{answer}"),
        Err(_) => println!("panicked"),
    }
}
`,
  "ignite-macros/Cargo.toml":
    '[package]\nname = "ignite-macros"\nversion = "0.1.0"\nedition = "2021"\n[lib]\nproc-macro = true\n',
  "ignite-macros/src/lib.rs": `use proc_macro::TokenStream;
#[proc_macro_attribute]
pub fn main(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    let more = "#[doc(hidden)] pub fn __ignite_main() { ::ignite::run(handler) }
        #[allow(dead_code)] fn main() { __ignite_main() }";
    let more: TokenStream = more.parse().unwrap();
    item.into_iter().chain(more).collect()
}
`,
};

/** Writes files given as path → text. */
export async function writeFiles(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
}
