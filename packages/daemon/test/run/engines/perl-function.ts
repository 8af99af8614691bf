import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { completeConfig, type PartialConfig } from "@bloomery/contract";
import type { InstanceWish } from "../../../src/run/engines/engine.js";
import type { RealEngine } from "./real-engine.js";

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

const asleep = { function: { timeoutSeconds: 9 }, network: "none" } as const;

/** One for which a sandbox that was made ahead is right. */
export const functionConfig = completeConfig({ web: { start: "" }, ...asleep });

export async function makeFunction(
  real: RealEngine,
  change: Partial<PartialConfig> = {},
): Promise<InstanceWish> {
  const wish = await real.makeWish({ ...asleep, ...change }, { function: program });
  await chmod(join(wish.artifactDir, "function"), 0o755);
  return { ...wish, env: { ...wish.env, BLOOM_ORG: "org", BLOOM_APP: "hello" } };
}
