import { BloomError } from "@bloomery/contract";
import { describe, expect, it } from "vitest";
import { crate, handler, plan } from "./plan-code.js";

/** The sentences of the error, without the hint. */
function refusal(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    if (!(error instanceof BloomError)) throw error;
    expect(error.code).toBe("ERR_MANIFEST_INVALID");
    expect(error.where).toHaveProperty("line");
    return error.message.split("\n");
  }
  throw new Error("nothing was refused");
}

describe("code that cannot be a function", () => {
  const twice = `${handler}\n${handler}`;
  it.each<[string, Record<string, string>, readonly string[]]>([
    [
      "a broken manifest",
      { "Cargo.toml": "[package\nname = 1" },
      ["Cargo.toml:1:9: a table's name has no end; close it with ]"],
    ],
    [
      "no package",
      { "Cargo.toml": "" },
      ["Cargo.toml:1:1: there is no [package]; `cargo init --lib` writes one"],
    ],
    ["no name", { "Cargo.toml": "[package]" }, ['Cargo.toml:1:2: [package] has no name; add `name = "…"`']],
    [
      "a bare workspace",
      { "Cargo.toml": '[workspace]\nmembers = ["a"]' },
      [
        "Cargo.toml:1:1: this is a workspace without a package of its own; send the folder of the function's package",
      ],
    ],
    [
      "a value for a table",
      { "Cargo.toml": `dependencies = 5\n${crate}` },
      ["Cargo.toml:1:1: dependencies must be a table: [dependencies]"],
    ],
    [
      "one bracket too few",
      { "Cargo.toml": `${crate}[bin]\nname = "a"` },
      ["Cargo.toml:5:2: programs are written as [[bin]], with two brackets"],
    ],
    [
      "no sources",
      {},
      ["src/lib.rs:1:1: there is no src/lib.rs; write the handler there, with #[ignite::main]"],
    ],
    [
      "no handler",
      { "src/lib.rs": "pub fn x() {}" },
      [
        "src/lib.rs:1:1: there is no handler; write `#[ignite::main] async fn handler(req: Request, ctx: Context) -> …`",
      ],
    ],
    [
      "a handler without the attribute",
      { "src/main.rs": "\nasync fn handler() {}" },
      ["src/main.rs:2:7: the function handler has no #[ignite::main]; write it on the line above"],
    ],
    [
      "two handlers in one file",
      { "src/lib.rs": twice },
      [
        "src/lib.rs:8:1: there are 2 handlers (src/lib.rs:3, src/lib.rs:8) and a function has one; remove the attribute from the others",
      ],
    ],
    [
      "two handlers in two files",
      { "src/lib.rs": handler, "src/main.rs": handler },
      [
        "src/main.rs:3:1: there are 2 handlers (src/lib.rs:3, src/main.rs:3) and a function has one; remove the attribute from the others",
      ],
    ],
    [
      "a handler in a module",
      { "src/lib.rs": "mod api;", "src/api.rs": handler },
      [
        "src/api.rs:3:1: the handler is in a module; move the function with its #[ignite::main] to src/lib.rs",
      ],
    ],
    [
      "another SDK, and crates from elsewhere, all at once",
      {
        "Cargo.toml": `[package]\nname = "a"\nedition.workspace = true\nworkspace = ".."\n[lints]\nworkspace = true\n[dependencies]\nignite = "2"\nuuid.workspace = true\nx = { path = "../x" }\ny = { path = "y" }\n`,
        "src/lib.rs": handler,
      },
      [
        'Cargo.toml:8:1: ignite "2" is asked for and this platform brings 0.1.0; write ignite = "*"',
        "Cargo.toml:4:1: the workspace is not part of the code; remove this line",
        "Cargo.toml:9:1: uuid is taken from a workspace that is not part of the code; write its version",
        "Cargo.toml:10:1: x is taken from ../x, which is not part of the code; send it too, below the function's folder",
        "Cargo.toml:3:1: edition is taken from a workspace that is not part of the code; write it out",
        "Cargo.toml:6:1: the lints are taken from a workspace that is not part of the code; write them out, or remove them",
      ],
    ],
    [
      "the SDK under another name",
      {
        "Cargo.toml": `${crate}[dependencies]\nsdk = { package = "ignite", version = "*" }\n`,
        "src/lib.rs": handler,
      },
      [
        "Cargo.toml:6:1: the crate ignite goes by the name sdk; #[ignite::main] needs ignite under its own name",
      ],
    ],
    [
      "a crate of macros",
      { "Cargo.toml": `${crate}[lib]\nproc-macro = true\n`, "src/lib.rs": handler },
      ["Cargo.toml:5:2: a crate of macros cannot hold the handler; move it to a library or a binary"],
    ],
    [
      "panics that end the process",
      {
        ".cargo/config.toml": '# panic = "abort"\n[profile.release]\npanic = "abort"\n',
        "src/lib.rs": handler,
      },
      [
        ".cargo/config.toml:3:1: a function cannot be built with panic = abort, or one panic would end all its requests; remove it",
      ],
    ],
    ...[
      "[build]\nrustflags = ['-Cpanic=abort']",
      '[build]\nrustflags = ["-C", "panic=abort"]',
      '[profile.fast]\n"panic" = "abort"',
    ].map((text): [string, Record<string, string>, string[]] => [
      `panics that end the process by ${text}`,
      { ".cargo/config.toml": text, "src/lib.rs": handler },
      [
        ".cargo/config.toml:2:1: a function cannot be built with panic = abort, or one panic would end all its requests; remove it",
      ],
    ]),
    [
      "a member's mistake",
      { "m/Cargo.toml": '[dependencies]\nignite = "3"', "src/lib.rs": handler },
      ['m/Cargo.toml:2:1: ignite "3" is asked for and this platform brings 0.1.0; write ignite = "*"'],
    ],
  ])("is refused for %s", (_, files, sentences) => {
    expect(refusal(() => plan(files))).toEqual(sentences);
  });

  it("is refused when --dependency and the manifest want different versions", () => {
    const files = { "Cargo.toml": `${crate}[dependencies]\nuuid = "0.8"\n`, "src/lib.rs": handler };
    expect(refusal(() => plan(files, ["uuid@1"]))).toEqual([
      'Cargo.toml:6:1: uuid is "0.8" here and 1 in --dependency; change one of them',
    ]);
  });
});
