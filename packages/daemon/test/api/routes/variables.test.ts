import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CallContext } from "../../../src/api/handlers.js";
import type { ApiContext } from "../../../src/api/routes/context.js";
import { createVariableHandlers } from "../../../src/api/routes/variables.js";
import { obtainPlace } from "../../../src/deploy/places.js";
import { readBuildVariables, readVariables } from "../../../src/deploy/releases.js";
import { openSecrets, type Secrets } from "../../../src/release/secrets.js";
import { openStore, type Store } from "../../../src/store/index.js";
import { sampleConfig } from "../../store/samples.js";

let folder: string;
let store: Store;
let secrets: Secrets;
let handlers: ReturnType<typeof createVariableHandlers>;

const params = { org: "local", app: "shop", environment: "main" };
const call = { caller: { name: "ada" } } as unknown as CallContext;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-variables-"));
  secrets = await openSecrets(join(folder, "key"));
  store = await openStore({ url: "sqlite::memory:" });
  await store.orgs.create("local");
  await obtainPlace(store, params);
  handlers = createVariableHandlers({ store, secrets } as unknown as ApiContext);
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

async function change(body: Partial<Parameters<typeof handlers.changeVariables>[0]["body"]>) {
  const defaults = {
    level: "environment",
    set: {},
    unset: [],
    sensitive: false,
    json: false,
    apply: false,
  } as const;
  const whole = { ...defaults, ...body };
  const { variables } = await handlers.changeVariables({ params, query: {}, body: whole } as never, call);
  return variables;
}

test("sets and shows a variable with its flags", async () => {
  expect(await change({ set: { COLOR: "blue" }, visibleBuild: true })).toEqual([
    expect.objectContaining({
      ...{ name: "COLOR", value: "blue", level: "environment", sensitive: false, json: false },
      ...{ visibleBuild: true, visibleRuntime: true },
    }),
  ]);
});

test.each(["app", "environment"] as const)("`env:name` is `NAME` at the level %s", async (level) => {
  await change({ level, set: { "env:Color": "blue" } });
  expect(await change({ level, set: { COLOR: "red" } })).toMatchObject([{ name: "COLOR", value: "red" }]);
  expect(await change({ level, unset: ["env:color"] })).toEqual([]);
});

test("a name without a prefix, and one with another prefix, are kept as they are written", async () => {
  const shown = await change({ set: { color: "blue", "shop:color": "red" } });
  expect(shown.map(({ name }) => name)).toEqual(["color", "shop:color"]);
});

test("a sensitive value is never shown again, not even when it is set anew without the flag", async () => {
  await change({ set: { TOKEN: "hush" }, sensitive: true });
  const [shown] = await change({ set: { TOKEN: "hush again" } });
  expect(shown).toMatchObject({ name: "TOKEN", value: null, sensitive: true });
});

test("the environment's hides the app's", async () => {
  await change({ level: "app", set: { COLOR: "grey" } });
  const both = await change({ set: { COLOR: "blue" } });
  const shown = both.map(({ value, level, overridden }) => [level, value, overridden]);
  expect(shown).toEqual([
    ["app", "grey", true],
    ["environment", "blue", false],
  ]);
  const [left] = await change({ unset: ["COLOR"] });
  expect(left).toMatchObject({ value: "grey", level: "app", overridden: false });
});

test("builds see what is visible to them, processes what is visible at run time", async () => {
  const place = await obtainPlace(store, params);
  await change({ set: { BOTH: "1" }, visibleBuild: true });
  await change({ set: { BUILD: "1" }, visibleBuild: true, visibleRuntime: false });
  await change({ set: { RUN: "1", "site:mode": '{"a":1}' }, json: true });
  const built = await readBuildVariables({ store, secrets }, place, sampleConfig);
  expect([built["BOTH"], built["BUILD"], built["RUN"]]).toEqual(["1", "1", undefined]);
  expect((await readVariables({ store, secrets }, place, "visibleRuntime")).environment).toEqual({
    BOTH: "1",
    RUN: { json: "1" },
    "site:mode": { json: '{"a":1}' },
  });
});

describe("refuses", () => {
  test.each([
    ["the platform's own names", { set: { PLATFORM_BRANCH: "x" } }, "ERR_INVALID_ARGUMENT"],
    ["PORT in its long form", { set: { "env:port": "1" } }, "ERR_INVALID_ARGUMENT"],
    ["JSON that is none", { set: { A: "{" }, json: true }, "ERR_INVALID_ARGUMENT"],
    ["a name that is set and removed", { set: { A: "1" }, unset: ["env:A"] }, "ERR_INVALID_ARGUMENT"],
    ["to remove what is not there", { unset: ["NONE"] }, "ERR_NOT_FOUND"],
  ])("%s", async (_what, body, code) => {
    await expect(change(body)).rejects.toMatchObject({ code });
  });

  test("the whole change when a part of it is wrong", async () => {
    await expect(change({ set: { A: "1" }, unset: ["NONE"] })).rejects.toMatchObject({
      code: "ERR_NOT_FOUND",
    });
    const { variables } = await handlers.listVariables({ params } as never, call);
    expect(variables).toEqual([]);
  });
});
