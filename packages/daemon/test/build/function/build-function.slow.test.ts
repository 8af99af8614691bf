import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { completeConfig, type AppConfig } from "@bloomery/contract";
import { describe, expect, it } from "vitest";
import { makeApp, openBuilder } from "../builder-bench.js";
import { findShim, readTree, uploadFiles } from "../helpers.js";

const crate = '[package]\nname = "hello"\nversion = "0.1.0"\nedition = "2021"\n';
const handler = (answer: string): string => `use ignite::prelude::*;

#[ignite::main]
async fn handler(_req: Request, ctx: Context) -> Result<impl IntoResponse> {
    Ok(ignite::json!({ "answer": ${answer}, "id": ctx.execution_id() }))
}
`;
const config: AppConfig = completeConfig({ name: "hello", web: { start: "" }, function: {} });

describe.skipIf(findShim() === null)("a function", { timeout: 280_000 }, () => {
  it("is compiled upon what all functions share", async () => {
    const bench = await openBuilder({ network: "host", timeLimitSeconds: 250 });
    const code = { "Cargo.toml": crate, "src/lib.rs": handler("1"), "data/words.json": "[1]" };
    const began = performance.now();
    const first = await bench.build(await uploadFiles(bench.sources, code), { config });
    console.log(
      "first",
      performance.now() - began,
      first.stats,
      first.facts,
      first.events.filter((e) => e.type !== "log" && e.type !== "progress"),
    );
    const dir = bench.artifacts.pathOf(first.artifact.digest);
    console.log(Object.keys(await readTree(dir)), (await stat(join(dir, "function"))).size);
    for (const [index, name] of ["two", "three"].entries()) {
      const again = performance.now();
      const second = await bench.build(
        await uploadFiles(bench.sources, { ...code, "src/lib.rs": handler(String(index + 5)) }),
        { config, app: makeApp(`app-${name}`) },
      );
      console.log(
        name,
        performance.now() - again,
        second.stats,
        second.events.filter((e) => e.type !== "log" && e.type !== "progress"),
      );
    }
    console.log(await readFile(join(bench.home, "log/app-two.log"), "utf8"));
  });
});
