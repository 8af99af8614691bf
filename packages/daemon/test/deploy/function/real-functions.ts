import { completeConfig, type FunctionConfig } from "@bloomery/contract";
import { startReal, type AppWish, type RealDaemon } from "../real-daemon.js";

/**
 * A function without an SDK, a process for each request. What it shall do is in the path: `/echo` answers the body,
 * `/slow/2.5` takes so many seconds, `/later` works on after its answer, `/hog` takes all memory, `/exit` ends the whole. It tells its version and a number of its own, and keeps a record of each request.
 */
export const program = `#!/usr/bin/perl
use strict; use IO::Socket::UNIX;
$| = 1; $SIG{PIPE} = "IGNORE"; my $end = 0; $SIG{TERM} = sub { $end = 1 };
my $listen = IO::Socket::UNIX->new_from_fd($ENV{IGNITE_LISTEN_FD}, "r+") or die "no socket: $!";
$listen->blocking(1);
open(my $records, ">&=", $ENV{IGNITE_RECORD_FD}) or die; $records->autoflush(1);
open(my $ready, ">&=", $ENV{IGNITE_READY_FD}) or die; print $ready "ready\\n"; close $ready;
my $main = $$; my $life = int rand 1e12;
while (!$end) {
  my $peer = $listen->accept or next;
  if (fork) { close $peer; next }
  $SIG{TERM} = "IGNORE";
  my $line = <$peer> // ""; my $length = 0; my $id = "";
  while (defined(my $head = <$peer>)) { last if $head =~ /^\\r?$/; $length = $1 if $head =~ /^content-length: *(\\d+)/i; $id = $1 if $head =~ /^x-tag: *(\\S+)/i }
  my $body = ""; read($peer, $body, $length) if $length;
  my ($path) = $line =~ m{^\\S+ /(\\S*)};
  if ($path eq "exit") { kill "KILL", $main; exit 3 }
  print "began $id\\n"; print $records "{}\\n";
  if ($path =~ m{^slow/(.*)}) { select undef, undef, undef, $1; $body = "slept" }
  elsif ($path eq "hog") { my @held; push @held, "x" x 1048576 while 1 }
  elsif ($path ne "echo") { $body = "$ENV{IGNITE_VERSION} $life" }
  print $peer "HTTP/1.1 200 OK\\r\\nContent-Length: " . length($body) . "\\r\\nConnection: close\\r\\n\\r\\n$body";
  if ($path eq "later") { close $peer; select undef, undef, undef, 1.5; print "began $id-done\\n" }
  exit 0;
}
1 while wait != -1;
`;

export interface FunctionWish {
  readonly name: string;
  /** The programs of its versions, the first of which is live. */
  readonly programs?: readonly string[];
  readonly config?: Partial<FunctionConfig>;
  readonly memoryBytes?: number;
}

export type RealFunctions = RealDaemon;

/** A whole daemon with nginx, and functions as if they had been published earlier. */
export function startFunctions(functions: readonly FunctionWish[]): Promise<RealFunctions> {
  return startReal(functions.map(planApp));
}

function planApp({ name, programs, config, memoryBytes = 256 * 1_048_576 }: FunctionWish): AppWish {
  return {
    ...{ name, program: "function", versions: programs ?? [program] },
    config: completeConfig({
      ...{ name, function: { allowUnauthenticated: true, ...config }, network: "none" },
      limits: { memoryBytes },
      web: { start: "", graceSeconds: 5, drainSeconds: 5 },
    }),
  };
}
