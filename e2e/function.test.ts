import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startPlatform, type Platform } from "./lib/platform.js";
import { makeProject, type Project } from "./lib/project.js";
import type { Failure } from "./lib/shop.js";

const handlerText = `use ignite::prelude::*;
use serde_json::json;

#[ignite::main]
async fn handler(req: Request, ctx: Context) -> Result<impl IntoResponse> {
    let word: String = req.field("word").unwrap_or_else(|_| "nothing".to_string());
    Ok(json!({
        "word": word,
        "execution_id": ctx.execution_id(),
        "function_id": ctx.function_id(),
    }))
}
`;

interface Said {
  readonly word: string;
  readonly execution_id: string;
  readonly function_id: string;
}

/** A function's whole life by the words of its own command line, as somebody writes them who knows no others. */
describe("a function by its own words", () => {
  let platform: Platform;
  let project: Project;
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await platform.bloom("ignite", ...args);
    expect(`${code} ${code === 0 ? "" : stderr}`).toBe("0 ");
    return stdout;
  };
  const fail = async (...args: string[]): Promise<Omit<Failure["error"], "code"> & { code: number }> => {
    const { code, stdout } = await platform.bloom("ignite", ...args, "--json");
    return { ...(JSON.parse(stdout) as Failure).error, code };
  };

  beforeAll(async () => {
    platform = await startPlatform();
    project = await makeProject({
      "Cargo.toml":
        '[package]\nname = "echo"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nignite = "*"\n',
      "src/lib.rs": handlerText,
    });
    await platform.bloom("ignite", "config", "set", "org_id", "org");
  });
  afterAll(async () => {
    await platform.stop();
    await project.dispose();
  });

  test("create, save, compile, publish, invoke", async () => {
    await run("app", "create", "echo", "--runtime", "rust", "--rust-target", "native", "--org", "org");
    await run("draft", "save", "org:echo", "--code", project.dir);
    expect((await fail("draft", "publish", "org:echo")).hint).toContain("draft compile");
    await run("draft", "compile", "org:echo");
    await run("draft", "publish", "org:echo");
    const said = JSON.parse(await run("invoke", "org:echo", "-p", '{"word": "hi"}')) as Said;
    expect(said).toMatchObject({ word: "hi", function_id: "org/echo" });
    expect(said.execution_id).not.toBe("");
  });

  test("what was called is on record, with its log and its numbers", async () => {
    const list = await eventually(
      "the record",
      async () =>
        JSON.parse(await run("execution", "list", "org:echo", "-o", "json")) as {
          executions: { executionId: string; status: string; version: number; cold: boolean }[];
        },
      ({ executions }) => executions.length > 0,
    );
    expect(list.executions[0]).toMatchObject({ status: "EXECUTION_STATUS_SUCCEEDED", version: 1 });
  });

  test("the next version, and back without a build", async () => {
    await project.write("src/lib.rs", handlerText.replace('"nothing"', '"silence"'));
    await run("draft", "save", "org:echo", "-c", project.dir);
    await run("draft", "compile", "org:echo");
    const trial = JSON.parse(await run("draft", "test", "org:echo", "--payload", "{}")) as Said;
    expect(trial.word).toBe("silence");
    const before = JSON.parse(await run("invoke", "org:echo", "-p", "{}")) as Said;
    expect(before.word).toBe("nothing");
    await run("draft", "publish", "org:echo");
    const after = JSON.parse(await run("invoke", "org:echo", "-p", "{}")) as Said;
    expect(after.word).toBe("silence");
    await run("version", "rollback", "org:echo", "1");
    const back = JSON.parse(await run("invoke", "org:echo", "-p", "{}")) as Said;
    expect(back.word).toBe("nothing");
    expect((await fail("version", "rollback", "org:echo", "9")).code).toBe(5);
  });

  test("of two who publish at once no two make a version", async () => {
    await project.write("src/lib.rs", handlerText.replace('"nothing"', '"peace"'));
    await run("draft", "save", "org:echo", "-c", project.dir);
    await run("draft", "compile", "org:echo");
    const publish = () => platform.bloom("ignite", "draft", "publish", "org:echo");
    const codes = (await Promise.all([publish(), publish()])).map(({ code }) => code);
    // Whoever came second is told who is at it, or that this is published already.
    expect(codes).toContain(0);
    expect(codes.filter((code) => code !== 0 && code !== 6)).toEqual([]);
    const made = await platform.json<{ versions: unknown[] }>("versions", "org:echo");
    expect(made.versions).toHaveLength(3);
    expect((JSON.parse(await run("invoke", "org:echo", "-p", "{}")) as Said).word).toBe("peace");
  });

  test("who may not call is told so before anything runs, by its address and by the API", async () => {
    const secretOf = async (...flags: string[]): Promise<string> =>
      (await platform.json<{ secret: string }>("token", "create", "t", ...flags)).secret;
    await run("app", "create", "other", "--org", "org");
    const mine = await secretOf("--role", "viewer", "--app", "org:echo");
    const wrongApp = await secretOf("--role", "admin", "--app", "org:other");
    const wrongOrg = await secretOf("--role", "admin", "--org", "local");
    const calls: [string | undefined, number, number][] = [
      [undefined, 401, 0],
      ["nonsense", 401, 3],
      [wrongApp, 403, 4],
      [wrongOrg, 403, 4],
      [mine, 200, 0],
    ];
    for (const [token, status, exit] of calls) {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const answer = await platform.get("echo-org.localhost", "/", { method: "POST", body: "{}", headers });
      expect(answer.status).toBe(status);
      if (status !== 200) expect(JSON.parse(answer.body)).toHaveProperty("code");
      if (token === undefined) continue;
      const { code } = await platform.bloom("invoke", "org:echo", "-p", "{}", "--token", token);
      expect(code).toBe(exit);
    }
    const weak = await platform.bloom("ignite", "draft", "publish", "org:echo", "--token", mine);
    expect([weak.code, weak.stderr]).toEqual([4, expect.stringContaining("needs the role developer")]);
  });

  test("the code of a version comes back as it was given", async () => {
    const to = join(platform.home, "code.tar.gz");
    await run("version", "code", "org:echo", "--version", "1", "--to", to);
    expect((await readFile(to)).subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
  });

  test("wrong inputs say what is wrong", async () => {
    expect(await fail("invoke", "org:echo", "-p", '{"word": ')).toMatchObject({ code: 2 });
    expect((await fail("invoke", "org:nobody", "-p", "{}")).code).toBe(5);
    expect((await fail("app", "create", "echo", "--org", "org")).code).toBe(6);
    const empty = await makeProject({ "notes.txt": "no crate here" });
    expect((await fail("draft", "save", "org:echo", "--code", empty.dir)).message).toContain("Cargo.toml");
    const never = (await fail("draft", "compile", "org:nobody")).code;
    expect(never).toBe(5);
    await empty.dispose();
  });
});
