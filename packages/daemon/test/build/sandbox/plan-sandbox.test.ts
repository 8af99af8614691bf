import { describe, expect, test } from "vitest";
import { planSandbox, type SandboxWish } from "../../../src/build/sandbox/plan-sandbox.js";

const wish: SandboxWish = {
  mounts: [
    { name: "app", source: "/home/b/artifacts/abc", target: "/app", writable: false },
    { name: "data", source: "/home/b/data", target: "/app/data", writable: true },
  ],
  etc: "/home/b/etc",
  tmpfs: { "/dev/shm": 512, "/tmp": 1024 },
  folders: ["/run"],
  cwd: "/app",
  hostname: "shop",
  command: ["/bin/sh", "-c", "./server; rm -rf / '"],
  network: "kept",
};
const asRoot = { staged: true, bwrap: "/usr/bin/bwrap" } as const;

/** The words behind each occurrence of a flag, before the command. */
function valuesOf(command: readonly string[], flag: string, count: number): string[][] {
  return command
    .slice(0, command.indexOf("--"))
    .flatMap((word, index) => (word === flag ? [command.slice(index + 1, index + 1 + count)] : []));
}

describe("planSandbox", () => {
  test("as root, binds from the stage that the shim makes", () => {
    const plan = planSandbox(wish, asRoot);
    expect(plan.stage).toEqual({
      target: "/mnt",
      mounts: [
        { name: "app", source: "/home/b/artifacts/abc" },
        { name: "data", source: "/home/b/data" },
        { name: "etc", source: "/home/b/etc" },
      ],
    });
    expect(valuesOf(plan.command, "--ro-bind", 2)).toContainEqual(["/mnt/app", "/app"]);
    expect(valuesOf(plan.command, "--ro-bind", 2)).toContainEqual(["/mnt/etc/hosts", "/etc/hosts"]);
    expect(valuesOf(plan.command, "--bind", 2)).toEqual([["/mnt/data", "/app/data"]]);
    expect(plan.command).not.toContain("/home/b/artifacts/abc");
  });

  test("without root, binds the sources themselves", () => {
    const plan = planSandbox(wish, { staged: false, bwrap: "bwrap" });
    expect(plan.stage).toBeNull();
    expect(valuesOf(plan.command, "--ro-bind", 2)).toContainEqual(["/home/b/artifacts/abc", "/app"]);
    expect(valuesOf(plan.command, "--ro-bind", 2)).toContainEqual(["/home/b/etc/passwd", "/etc/passwd"]);
  });

  test("the user's line stays one argument behind --", () => {
    const { command } = planSandbox(wish, { staged: false, bwrap: "bwrap" });
    expect(command.slice(command.indexOf("--"))).toEqual(["--", "/bin/sh", "-c", "./server; rm -rf / '"]);
  });

  test("every namespace is new, no capability is kept, nobody outlives the parent", () => {
    const { command } = planSandbox(wish, asRoot);
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
    expect(planSandbox({ ...wish, network: "none" }, asRoot).command).toContain("--unshare-net");
  });

  test("shows no part of the host that was not named", () => {
    const { command } = planSandbox(wish, asRoot);
    const shown = [...valuesOf(command, "--ro-bind", 2), ...valuesOf(command, "--bind", 2)].map(
      ([source]) => source,
    );
    expect(shown.filter((source) => source?.startsWith("/mnt/etc/") !== true)).toEqual([
      "/usr",
      "/mnt/app",
      "/mnt/data",
    ]);
    expect(valuesOf(command, "--ro-bind-try", 1).flat()).toEqual([
      "/etc/alternatives",
      "/etc/ld.so.cache",
      "/etc/ssl",
      "/etc/ca-certificates",
    ]);
  });

  test("gives folders in memory their sizes, and closes the root after all mounts", () => {
    const { command } = planSandbox(wish, asRoot);
    const text = command.join(" ");
    expect(text).toContain("--perms 1777 --size 512 --tmpfs /dev/shm --perms 1777 --size 1024 --tmpfs /tmp");
    expect(command.indexOf("--remount-ro")).toBeGreaterThan(command.indexOf("/app/data"));
    expect(valuesOf(command, "--dir", 1)).toEqual([["/run"]]);
  });

  test("hands an overlay to the shim; refuses it where there is no stage", () => {
    const overlay = { lower: ["/t/a", "/t/b"], upper: "/u", work: "/w" };
    const laid: SandboxWish = {
      ...wish,
      mounts: [{ name: "target", overlay, target: "/app/target", writable: true }],
    };
    const plan = planSandbox(laid, asRoot);
    expect(plan.stage?.mounts).toContainEqual({ name: "target", overlay });
    expect(valuesOf(plan.command, "--bind", 2)).toEqual([["/mnt/target", "/app/target"]]);
    expect(() => planSandbox(laid, { staged: false, bwrap: "bwrap" })).toThrow("only root");
  });
});
