import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { findFreePort } from "../../../../../scripts/lib/find-free-port.mjs";
import { nginxBinary, nginxUser } from "../../route/real-nginx.js";
import { makeHome, startEcho, visit } from "./real-doorman.js";

/** Where a distribution keeps the module when it is not built in. */
const streamModule = "/usr/lib/nginx/modules/ngx_stream_module.so";

/** nginx in front of an app, as the platform has it there: the app first, and its door when nobody listens. */
async function startNginx(app: number, door: string): Promise<number> {
  const port = await findFreePort();
  const home = await mkdtemp(join(tmpdir(), "bloom-door-nginx-"));
  await chmod(home, 0o700);
  if (nginxUser !== null) await chown(home, nginxUser.uid, nginxUser.gid);
  const config = join(home, "nginx.conf");
  await writeFile(
    config,
    `${existsSync(streamModule) ? `load_module ${streamModule};` : ""}
daemon off;
pid ${home}/nginx.pid;
error_log ${home}/error.log;
events {}
stream {
  upstream app {
    server 127.0.0.1:${app} max_fails=0;
    server unix:${door} backup max_fails=0;
  }
  server {
    listen 127.0.0.1:${port};
    proxy_protocol on;
    proxy_pass app;
  }
}
`,
    { mode: 0o644 },
  );
  const nginx = spawn(nginxBinary, ["-p", home, "-e", join(home, "error.log"), "-c", config], {
    ...{ stdio: "ignore", cwd: "/", ...nginxUser },
  });
  onTestFinished(async () => {
    const ended = once(nginx, "exit");
    if (nginx.exitCode === null && nginx.kill("SIGTERM")) await ended;
    await rm(home, { recursive: true, force: true });
  });
  await vi.waitUntil(() => existsSync(join(home, "nginx.pid")), { timeout: 20_000 });
  return port;
}

test("nginx turns to the door when nobody listens, and back to the app when it does", async () => {
  const home = await makeHome();
  await chmod(home.folder, 0o711);
  const appPort = await findFreePort();
  const woken = await startEcho();
  const doorman = await home.open({ owner: nginxUser });
  const wakes: string[] = [];
  doorman.onKnock(async (door) => {
    wakes.push(door);
    return woken;
  });
  const door = home.door("a");
  await doorman.keep([door]);
  const port = await startNginx(appPort, door.path);

  const carried = await visit({ port });
  const [first] = (await once(carried.socket, "data")) as [Buffer];
  // What nginx says of the client, which the app gives back like all the rest.
  const { localPort } = carried.socket;
  expect(String(first)).toBe(`PROXY TCP4 127.0.0.1 127.0.0.1 ${localPort} ${port}\r\n`);
  await carried.echo("x".repeat(1_000_000));
  expect(wakes).toEqual(["a"]);

  const app = createServer((socket) => void socket.end("I am up"));
  app.listen(appPort, "127.0.0.1");
  await once(app, "listening");
  onTestFinished(() => void app.close());
  const direct = await visit({ port });
  expect(String(await once(direct.socket, "data"))).toBe("I am up");
  await carried.echo("still here");
  expect(wakes).toEqual(["a"]);

  const [listed] = await doorman.list();
  expect(listed?.connections).toHaveLength(1);
  carried.socket.destroy();
  await vi.waitUntil(async () => (await doorman.list())[0]?.connections.length === 0);
});
