import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { obtainIdentity } from "../../src/release/identity.js";
import { openSecrets } from "../../src/release/secrets.js";
import { openStore } from "../../src/store/index.js";

test("an app has one identity for ever, and its entropy is sealed in the database", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bloom-identity-"));
  const store = await openStore({ url: "sqlite::memory:" });
  try {
    const secrets = await openSecrets(join(folder, "key"));
    const org = await store.orgs.create("local");
    const [one, two] = await Promise.all(
      ["one", "two"].map((name) => store.apps.create({ orgId: org.id, name })),
    );
    const first = await obtainIdentity(store, secrets, one?.id ?? "");
    expect(first.projectId).toMatch(/^[a-z0-9]{13}$/);
    expect(first.entropy).toMatch(/^[a-z0-9]{56}$/);
    expect(await obtainIdentity(store, secrets, one?.id ?? "")).toEqual(first);
    expect((await obtainIdentity(store, secrets, two?.id ?? "")).entropy).not.toBe(first.entropy);
    const kept = await store.apps.ensureIdentity(one?.id ?? "", { projectId: "x", projectEntropy: "x" });
    expect(kept.projectEntropy).not.toContain(first.entropy);
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
});

test("entropy that was sealed with a lost key is made anew; the project stays the same", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bloom-identity-"));
  const store = await openStore({ url: "sqlite::memory:" });
  try {
    const org = await store.orgs.create("local");
    const { id } = await store.apps.create({ orgId: org.id, name: "shop" });
    const before = await obtainIdentity(store, await openSecrets(join(folder, "key")), id);
    const secrets = await openSecrets(join(folder, "another"));
    const after = await obtainIdentity(store, secrets, id);
    expect(after.projectId).toBe(before.projectId);
    expect(after.entropy).not.toBe(before.entropy);
    expect(await obtainIdentity(store, secrets, id)).toEqual(after);
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
});
