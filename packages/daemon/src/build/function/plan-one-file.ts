/** Names that rustc gives to crates of its own, or that are words of the language. */
const taken =
  /^(?:alloc|as|async|await|become|box|break|const|continue|core|crate|do|dyn|else|enum|extern|false|final|fn|for|gen|if|impl|in|let|loop|macro|match|mod|move|mut|override|priv|proc-macro|pub|ref|return|self|serde|serde-json|ignite|static|std|struct|super|test|tokio|trait|true|try|type|typeof|unsafe|unsized|use|virtual|where|while|yield)$/;

/** A project around one `.rs` file, as its author would have written it. */
export function planOneFile(app: string, text: string): ReadonlyMap<string, string> {
  const name = taken.test(app) ? `${app}-function` : app;
  const manifest = [
    "[package]",
    `name = ${JSON.stringify(name)}`,
    'version = "0.1.0"',
    'edition = "2021"',
    "",
  ];
  return new Map([
    ["Cargo.toml", manifest.join("\n")],
    ["src/lib.rs", text.replace(/^\ufeff/, "")],
  ]);
}
