import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openExecutions } from "../../../src/deploy/function/executions.js";
import { openHarness } from "../../observe/executions-harness.js";
import { ask, cleanUp, openRealEngine, startReady } from "../../run/engines/real-engine.js";

afterEach(cleanUp);

/** A function without an SDK: the path of a request is its execution's id, and `x-die` is its end. */
const program = `#!/usr/bin/perl
use strict; use IO::Socket::UNIX; use Time::HiRes;
$| = 1; $SIG{PIPE} = "IGNORE";
my $listen = IO::Socket::UNIX->new_from_fd($ENV{IGNITE_LISTEN_FD}, "r+") or die "no socket: $!";
$listen->blocking(1);
open(my $records, ">&=", $ENV{IGNITE_RECORD_FD}) or die; $records->autoflush(1);
open(my $ready, ">&=", $ENV{IGNITE_READY_FD}) or die; print $ready "ready\\n"; close $ready;
my $count = 0;
while (1) {
  my $peer = $listen->accept or next;
  my $line = <$peer> // ""; while (defined(my $head = <$peer>)) { last if $head =~ /^\\r?$/ }
  my ($id) = $line =~ m{^GET /(\\S*)}; my $at = int(Time::HiRes::time() * 1000);
  my $cold = $count++ == 0 ? "true" : "false";
  print STDERR "{\\"execution\\":\\"$id\\",\\"level\\":\\"info\\",\\"message\\":\\"here\\",\\"fields\\":{}}\\n";
  print $records "{\\"execution\\":\\"$id\\",\\"at\\":$at,\\"run_us\\":120,\\"status\\":200,\\"error\\":null,\\"request_bytes\\":0,\\"response_bytes\\":2,\\"cold\\":$cold}\\n";
  print $peer "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok"; close $peer;
  kill 9, $$ if $id eq "x-die";
}
`;

test("records go from a function in its sandbox to the store, beyond its own end and the daemon's", async () => {
  const real = await openRealEngine();
  const home = await openHarness();
  const open = () =>
    openExecutions({
      ...{ store: home.store, accessLog: home.accessLog, limits: { days: 7, count: 100 } },
      instanceDir: (id) => join(real.paths.instances, id),
      log: { warn: (_fields, text) => expect.unreachable(text) },
    });
  let records = await open();
  try {
    const made = await real.makeWish({ function: {}, network: "none" }, { function: program });
    await chmod(join(made.artifactDir, "function"), 0o755);
    const wish = { ...made, environmentId: home.environment.id };
    const releaseId = (await home.store.environments.get(home.environment.id))?.liveReleaseId ?? "";
    const row = { environmentId: home.environment.id, releaseId, role: "function", replica: 0 };
    await home.store.instances.create({ ...row, id: wish.id });
    const observer = {
      started: () => Promise.resolve(),
      ended: ({ id }: { readonly id: string }) => home.store.instances.end(id),
    };
    const instance = await startReady(real.engine, wish);
    await records.observe(observer).started(instance);
    await ask(instance, "x-1");
    // A process that is killed has said what it had to say.
    await ask(instance, "x-die");
    await expect.poll(() => home.ids()).toHaveLength(2);
    expect(await home.store.executions.get("x-1")).toMatchObject({
      ...{ instanceId: instance.id, version: 1, cold: true, state: "succeeded", runUs: 120 },
    });

    await records.close();
    await ask(instance, "x-3"); // while no daemon listens; the process began anew
    records = await open();
    await expect.poll(() => home.store.executions.get("x-3")).toMatchObject({ cold: true });
    await ask(instance, "x-4");
    await instance.stop(0);
    await records.observe(observer).ended(instance, false);
    expect((await home.ids()).toSorted()).toEqual(["x-1", "x-3", "x-4", "x-die"]);
    expect(await home.store.cursors.list("executions:")).toEqual([]);
  } finally {
    await records.close();
    await home.close();
  }
});
