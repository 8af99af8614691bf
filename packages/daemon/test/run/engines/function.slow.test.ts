import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { planInstanceFiles } from "../../../src/run/plan-instance-files.js";
import { ask, cleanUp, openRealEngine, startReady, waitFor, type RealEngine } from "./real-engine.js";
import type { InstanceWish } from "../../../src/run/engines/engine.js";

afterEach(cleanUp);

/** A function without an SDK: it takes its descriptors by their numbers, and runs each path as a line of `sh`. */
const program = `#!/usr/bin/perl
use strict; use IO::Socket::UNIX;
$| = 1; $SIG{PIPE} = "IGNORE";
my $listen = IO::Socket::UNIX->new_from_fd($ENV{IGNITE_LISTEN_FD}, "r+") or die "no socket: $!";
$listen->blocking(1);
open(my $records, ">&=", $ENV{IGNITE_RECORD_FD}) or die; $records->autoflush(1);
open(my $ready, ">&=", $ENV{IGNITE_READY_FD}) or die; print $ready "ready\\n"; close $ready;
while (1) {
  my $peer = $listen->accept or next;
  my $line = <$peer> // ""; while (defined(my $head = <$peer>)) { last if $head =~ /^\\r?$/ }
  my ($path) = $line =~ m{^GET /(\\S*)}; $path //= ""; $path =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
  if ($path eq "exit") { print $peer "HTTP/1.1 500 Oh\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n"; close $peer; exit 3 }
  open(my $out, "-|", "/bin/sh", "-c", "exec 2>&1; $path") or die; my $body = join "", <$out>; close $out;
  print $records "{\\"path\\":\\"$path\\"}\\n";
  print $peer "HTTP/1.1 200 OK\\r\\nContent-Length: " . length($body) . "\\r\\nConnection: close\\r\\n\\r\\n$body";
  close $peer;
}
`;

async function makeFunction(real: RealEngine): Promise<InstanceWish> {
  const config = { function: { timeoutSeconds: 9 }, network: "none" } as const;
  const wish = await real.makeWish(config, { function: program });
  await chmod(join(wish.artifactDir, "function"), 0o755);
  return { ...wish, env: { ...wish.env, BLOOM_ORG: "org", BLOOM_APP: "hello" } };
}

test("answers on the socket it is given, alone in its network, and keeps records", async () => {
  const real = await openRealEngine();
  const wish = await makeFunction(real);
  const started = performance.now();
  const instance = await startReady(real.engine, wish);
  console.log(`a function in its sandbox was ready after ${Math.round(performance.now() - started)} ms`);
  expect(instance.address).toEqual({
    kind: "unix",
    path: planInstanceFiles(join(real.paths.instances, wish.id)).socket,
  });
  expect(await ask(instance, "echo $IGNITE_FUNCTION_ID $IGNITE_TIMEOUT_MS")).toBe("org/hello 9000\n");
  expect(await ask(instance, "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '")).toBe("lo\n");
  expect(await ask(instance, "touch /app/x || echo read-only")).toContain("read-only");
  const file = join(real.paths.instances, wish.id, "log", "executions.log");
  const read = async (): Promise<string> => readFile(file, "utf8");
  await vi.waitUntil(async () => (await read()).trim().split("\n").length === 3);
  expect(await read()).toMatch(/^\S+ record \{"path":"echo /);
});

test("nobody is refused while a function that ended starts anew", async () => {
  const real = await openRealEngine();
  const instance = await startReady(real.engine, await makeFunction(real));
  for (let round = 1; round <= 3; round++) {
    await ask(instance, "exit");
    // At once: the next one comes while nothing runs.
    const answers = await Promise.all(["a", "b", "c"].map((word) => ask(instance, `printf ${word}`)));
    expect(answers).toEqual(["a", "b", "c"]);
    await waitFor(instance, (status) => status.state === "ready" && status.restarts === round);
  }
  expect(instance.status.last_exit).toMatchObject({ code: 3 });
});

test("is found again by the next daemon", async () => {
  const real = await openRealEngine();
  const instance = await startReady(real.engine, await makeFunction(real));
  const later = await real.reopen();
  const found = await later.adopt(instance.id);
  expect(found?.address).toEqual(instance.address);
  expect(found === undefined ? "" : await ask(found, "printf here")).toBe("here");
  await found?.stop(0);
});
