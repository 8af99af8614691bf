import { describe, expect, test } from "vitest";
import { planSandbox, type SandboxWish } from "../../src/run/plan-sandbox.js";

const wish: SandboxWish = {
  mounts: [
    { name: "app", source: "/home/b/artifacts/abc", target: "/app", writable: false },
    { name: "data", source: "/home/b/data", target: "/app/data", writable: true },
  ],
  tmpBytes: 1024,
  cwd: "/app",
  hostname: "shop",
  command: ["/bin/sh", "-c", "./server; rm -rf / '"],
  network: "kept",
};

/** The words behind each occurrence of a flag. */
function valuesOf(command: readonly string[], flag: string, count: number): string[][] {
  return command.flatMap((word, index) =>
    word === flag ? [command.slice(index + 1, index + 1 + count)] : [],
  );
}

describe("planSandbox", () => {
  test("as root, binds from the stage that the shim makes", () => {
    const plan = planSandbox(wish, { staged: true, bwrap: "/usr/bin/bwrap" });
    expect(plan.stage).toEqual({
      target: "/mnt",
      mounts: [
        { name: "app", source: "/home/b/artifacts/abc" },
        { name: "data", source: "/home/b/data" },
      ],
    });
    expect(valuesOf(plan.command, "--ro-bind", 2)).toContainEqual(["/mnt/app", "/app"]);
    expect(valuesOf(plan.command, "--bind", 2)).toEqual([["/mnt/data", "/app/data"]]);
    expect(plan.command).not.toContain("/home/b/artifacts/abc");
  });

  test("without root, binds the sources themselves", () => {
    const plan = planSandbox(wish, { staged: false, bwrap: "bwrap" });
    expect(plan.stage).toBeNull();
    expect(valuesOf(plan.command, "--ro-bind", 2)).toContainEqual(["/home/b/artifacts/abc", "/app"]);
  });

  test("the user's line stays one argument behind --", () => {
    const { command } = planSandbox(wish, { staged: false, bwrap: "bwrap" });
    expect(command.slice(command.indexOf("--"))).toEqual(["--", "/bin/sh", "-c", "./server; rm -rf / '"]);
  });

  test("every namespace is new, no capability is kept, nobody outlives the parent", () => {
    const { command } = planSandbox(wish, { staged: true, bwrap: "bwrap" });
    for (const flag of [
      "--unshare-user",
      "--disable-userns",
      "--unshare-pid",
      "--unshare-ipc",
      "--die-with-parent",
      "--new-session",
    ]) {
      expect(command).toContain(flag);
    }
    expect(valuesOf(command, "--cap-drop", 1)).toEqual([["ALL"]]);
    expect(command).not.toContain("--unshare-net");
    expect(planSandbox({ ...wish, network: "own" }, { staged: true, bwrap: "bwrap" }).command).toContain(
      "--unshare-net",
    );
  });

  test("shows no part of the host that was not named", () => {
    const { command } = planSandbox(wish, { staged: true, bwrap: "bwrap" });
    const shown = [...valuesOf(command, "--ro-bind", 2), ...valuesOf(command, "--bind", 2)].map(
      ([source]) => source,
    );
    expect(shown).toEqual(["/usr", "/mnt/app", "/mnt/data"]);
    for (const path of ["/", "/etc", "/home", "/root", "/var", "/run"]) expect(shown).not.toContain(path);
  });
});
