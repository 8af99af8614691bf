import { existsSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { eventually } from "./lib/platform.js";
import { answeringApp, crateFiles, makeProject } from "./lib/project.js";
import { useShop, type Failure } from "./lib/shop.js";

const shop = useShop();

async function deployBroken(
  files: Record<string, string>,
  ...flags: string[]
): Promise<{ code: number; failure: Failure["error"] }> {
  const broken = await makeProject(files);
  try {
    const result = await shop.platform().bloom("deploy", broken.dir, "-a", "shop", "--json", ...flags);
    return { code: result.code, failure: (JSON.parse(result.stdout) as Failure).error };
  } finally {
    await broken.dispose();
  }
}

const quick = "[ready]\ntimeout_seconds = 3\n";

describe("a start that fails leaves the old version serving", () => {
  test("the command does not exist", async () => {
    const { code, failure } = await deployBroken({
      ...crateFiles("shop", answeringApp("bad")),
      "bloom.toml": `${quick}[run]\ncommand = "./no/such/program"\n`,
    });
    expect([code, failure.code]).toEqual([12, "ERR_START_FAILED"]);
    expect(failure.message).toContain("exit code 127 (command not found)");
  });

  test("it exits at once; the last lines of its output are shown", async () => {
    const { code, failure } = await deployBroken(
      crateFiles("shop", `fn main() { eprintln!("no database"); std::process::exit(3); }`),
    );
    expect([code, failure.code]).toEqual([12, "ERR_START_FAILED"]);
    expect(failure.message).toContain("exit code 3");
    expect(JSON.stringify(failure.details)).toContain("no database");
  });

  test("it goes into the background", async () => {
    const { code, failure } = await deployBroken({
      ...crateFiles("shop", answeringApp("bad")),
      "bloom.toml": `${quick}[run]\ncommand = "sleep 300 & exit 0"\n`,
    });
    expect([code, failure.code]).toEqual([12, "ERR_START_FAILED"]);
    expect(failure.message).toMatch(/stay in the foreground/);
  });

  test("it never listens; the last probe is told", async () => {
    const { code, failure } = await deployBroken({
      ...crateFiles("shop", "fn main() { loop { std::thread::park(); } }"),
      "bloom.toml": quick,
    });
    expect([code, failure.code]).toEqual([12, "ERR_NOT_READY"]);
    expect(failure.message).toMatch(/refused/);
  });

  test("it listens on another port; that port is named", async () => {
    const main = `fn main() { let _l = std::net::TcpListener::bind("127.0.0.1:3210").unwrap(); loop { std::thread::park(); } }`;
    const { failure } = await deployBroken({ ...crateFiles("shop", main), "bloom.toml": quick });
    expect(failure.code).toBe("ERR_NOT_READY");
    expect(failure.message).toContain("listens on port 3210");
  });
});

describe("a source that cannot be built", () => {
  test("does not compile: exit 11 and the compiler's words", async () => {
    const { code, failure } = await deployBroken(crateFiles("shop", 'fn main() { let x: u32 = "text"; }'));
    expect([code, failure.code]).toEqual([11, "ERR_BUILD_FAILED"]);
    expect(JSON.stringify(failure.details)).toContain("mismatched types");
  });

  test("has a manifest that does not parse: file, line and column", async () => {
    const { code, failure } = await deployBroken({
      ...crateFiles("shop", answeringApp("bad")),
      ".platform.app.yaml": "name: shop\nweb: [\n",
    });
    expect([code, failure.code]).toEqual([2, "ERR_MANIFEST_INVALID"]);
    expect(failure.message).toMatch(/\.platform\.app\.yaml:\d+:\d+/);
  });
});

test("two deploys at once: the second is told who holds the lock", async () => {
  const slow = await makeProject({
    ...crateFiles("shop", answeringApp("good")),
    "build.rs": `fn main() { while !std::path::Path::new("go").exists() { std::thread::sleep(std::time::Duration::from_millis(50)); } }`,
  });
  try {
    const first = shop.platform().bloom("deploy", slow.dir, "-a", "shop", "--json");
    await eventually(
      "the first one's build",
      () => shop.platform().json<{ environments: { lastDeployment: { state: string } }[] }>("status", "shop"),
      (status) => status.environments[0]?.lastDeployment.state === "building",
    );
    const second = await shop.platform().bloom("deploy", shop.project().dir, "-a", "shop", "--json");
    expect(second.code).toBe(6);
    const { error } = JSON.parse(second.stdout) as Failure;
    expect(error.code).toBe("ERR_DEPLOY_LOCKED");
    expect(error.message).toMatch(/locked by a deploy that admin began/);
    const builds = join(shop.platform().home, "build-cache");
    const isIt = (name: string): boolean => existsSync(join(builds, name, "app/build.rs"));
    const folder = (await readdir(builds)).find(isIt) ?? "";
    await writeFile(join(builds, folder, "app/go"), "");
    expect((await first).code).toBe(0);
  } finally {
    await slow.dispose();
  }
});

describe("Ctrl-C", () => {
  const cases = [
    [
      "while compiling",
      { "build.rs": "fn main() { std::thread::sleep(std::time::Duration::from_secs(30)); }" },
      "building",
    ],
    ["while starting", { "src/main.rs": "fn main() { loop { std::thread::park(); } }" }, "starting"],
  ] as const;
  test.each(cases)("%s cancels the deployment and exits with 130", async (_name, files, state) => {
    const slow = await makeProject({ ...crateFiles("shop", answeringApp("slow")), ...files });
    try {
      const child = shop.platform().spawnBloom("deploy", slow.dir, "-a", "shop");
      const code = new Promise((resolve) => child.once("exit", resolve));
      await eventually(state, shop.lastState, (seen) => seen === state);
      child.kill("SIGINT");
      expect(await code).toBe(130);
      expect(await shop.lastState()).toBe("failed");
      expect((await shop.ps()).instances).toHaveLength(1);
    } finally {
      await slow.dispose();
    }
  });
});
