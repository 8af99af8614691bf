import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, fixture, startPlatform, type Platform } from "./lib/platform.js";
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
    await empty.dispose();
  });
});

/** One deployed function, and everything a handler can do wrong. */
describe("a function in trouble", () => {
  let platform: Platform;
  const host = "function-troubles-local.localhost";
  const ask = (path: string, body = "{}") => platform.get(host, path, { method: "POST", body });
  const errorOf = (text: string): string => (JSON.parse(text) as { error: string }).error;

  beforeAll(async () => {
    platform = await startPlatform();
    await platform.json("deploy", fixture("fixtures/apps/function-troubles"));
  });
  afterAll(() => platform.stop());

  test("a panic and an error are answers, and the function lives on", async () => {
    expect(await ask("/panic")).toMatchObject({ status: 500 });
    expect(errorOf((await ask("/panic")).body)).toContain("the handler gave up");
    const failed = await ask("/error");
    expect(failed.status).toBe(500);
    expect(errorOf(failed.body)).toBe("no tea left");
    expect((await ask("/")).status).toBe(200);
  });

  test("bodies that are wrong reach the handler, or say what is missing", async () => {
    expect((await ask("/length", "no json")).body).toBe("7");
    expect((await ask("/need", "no json")).status).toBe(400);
    expect((await ask("/need", "")).status).toBe(400);
    const missing = await ask("/need", '{"other": 1}');
    expect(missing.status).toBe(400);
    expect(errorOf(missing.body)).toContain("count");
    expect((await ask("/need", '{"count": 3}')).body).toBe("3");
    expect((await ask("/length", "x".repeat(8 * 1024 * 1024))).status).toBe(413);
  });

  test("what never returns ends with 504, and others are answered meanwhile", async () => {
    const late = ask("/never");
    expect((await ask("/")).status).toBe(200);
    expect((await late).status).toBe(504);
  });

  test("a handler that ends or blocks its process is replaced", async () => {
    expect((await ask("/exit")).status).toBe(502);
    expect((await ask("/")).status).toBe(200);
    expect([502, 504]).toContain((await ask("/block")).status);
    expect((await ask("/")).status).toBe(200);
  });

  test("one that takes all memory is ended, and the next caller is served", async () => {
    expect((await ask("/hog")).status).toBe(502);
    expect((await ask("/")).status).toBe(200);
  });

  test("writing to stdout, threads that outlive the call, and work after the answer do no harm", async () => {
    expect((await ask("/stdout")).body).toBe("said");
    expect((await ask("/thread")).body).toBe("spawned");
    expect((await ask("/later")).status).toBe(202);
    await platform.json("sleep", "function-troubles");
    const logs = await platform.bloom("logs", "function-troubles", "--json", "--tail", "all");
    expect(logs.stdout).toContain("to the wrong place");
    expect(logs.stdout).toContain("done after the answer");
  });

  test("who it is cannot be forged", async () => {
    const answer = await platform.get(host, "/whoami", {
      method: "POST",
      body: "{}",
      headers: {
        "x-ignite-execution-id": "forged",
        "X-Ignite-Function-Id": "a/b",
        "x-ignite-organization-id": "c",
      },
    });
    const who = JSON.parse(answer.body) as Record<string, string>;
    expect(who).toMatchObject({ function: "local/function-troubles", organization: "local" });
    expect(who["execution"]).toMatch(/^x-[0-9a-f]{32}$/);
  });

  test("asleep, the first request wakes it and none is lost", async () => {
    await platform.json("sleep", "function-troubles");
    const first = await Promise.all(Array.from({ length: 50 }, () => ask("/")));
    expect(first.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    const counted = first.map(({ body }) => Number(body)).toSorted((a, b) => a - b);
    expect(counted).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  });

  test("each of them is on record, the bad ones too", async () => {
    interface Row {
      readonly httpStatus?: number;
      readonly cold: boolean;
    }
    const rows = await eventually<{ executions: Row[] }>(
      "the records",
      () => platform.json("execution", "list", "function-troubles", "--limit", "500"),
      ({ executions }) =>
        [200, 202, 400, 413, 500, 502, 504].every((status) =>
          executions.some(({ httpStatus }) => httpStatus === status),
        ),
    );
    expect(rows.executions.some(({ cold }) => cold)).toBe(true);
  });
});
