import { connect } from "node:net";
import { completeConfig, type PartialConfig, type SleepConfig } from "@bloomery/contract";
import { startReal, type AppWish, type RealDaemon } from "../real-daemon.js";

/**
 * A web app, a process for each request. What it shall do is in the path: `/echo` answers the body, `/slow/2.5` takes
 * so many seconds, `/drop` breaks off, and who asks for an upgrade is told whatever he says. Others are told the
 * version's number and one of its own; each request is noted by its tag.
 */
export const program = `#!/usr/bin/perl
use strict; use IO::Socket::INET; use IO::Socket::UNIX;
$| = 1; $SIG{PIPE} = "IGNORE"; my $end = 0; $SIG{TERM} = sub { $end = 1 };
my $listen = $ENV{SOCKET} ? IO::Socket::UNIX->new(Local => $ENV{SOCKET}, Listen => 128)
  : IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ENV{PORT}, Listen => 128, ReuseAddr => 1);
$listen or die "no socket: $!";
my $life = int rand 1e12;
while (!$end) {
  my $peer = $listen->accept or next;
  if (fork) { close $peer; next }
  $SIG{TERM} = "IGNORE"; $peer->autoflush(1);
  my $line = <$peer> // ""; my $length = 0; my $id = ""; my $upgrade = 0;
  exit 0 if $line eq "";
  while (defined(my $head = <$peer>)) {
    last if $head =~ /^\\r?$/; $upgrade = 1 if $head =~ /^upgrade:/i;
    $length = $1 if $head =~ /^content-length: *(\\d+)/i; $id = $1 if $head =~ /^x-tag: *(\\S+)/i;
  }
  my $body = ""; read($peer, $body, $length) if $length;
  my ($path) = $line =~ m{^\\S+ /(\\S*)};
  print "began $id\\n";
  exit 0 if $path eq "drop";
  if ($upgrade) {
    print $peer "HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: echo\\r\\nConnection: Upgrade\\r\\n\\r\\n";
    while (sysread($peer, my $said, 4096)) { syswrite($peer, $said) }
    exit 0;
  }
  if ($path =~ m{^slow/(.*)}) { select undef, undef, undef, $1; $body = "slept" }
  elsif ($path ne "echo") { $body = "1 $life" }
  print $peer "HTTP/1.1 200 OK\\r\\nContent-Length: " . length($body) . "\\r\\nConnection: close\\r\\n\\r\\n$body";
  exit 0;
}
`;

export interface SleeperWish extends Pick<PartialConfig, "replicas" | "deploy" | "network"> {
  readonly name: string;
  /** Null: it never sleeps by itself. */
  readonly sleep: SleepConfig | null;
  readonly versions?: readonly string[];
  readonly socket?: "tcp" | "unix";
  /** How long it may take to become ready. */
  readonly readySeconds?: number;
}

/** A whole daemon with nginx, and these apps, which all sleep when it starts unless they must not. */
export function startSleepers(wishes: readonly SleeperWish[]): Promise<RealDaemon> {
  return startReal(wishes.map(planApp));
}

function planApp({
  name,
  versions = [program],
  socket = "tcp",
  readySeconds,
  ...wish
}: SleeperWish): AppWish {
  return {
    ...{ name, program: "app", versions },
    config: completeConfig({
      ...{ name, ...wish },
      limits: { memoryBytes: 256 * 1_048_576 },
      web: {
        ...{ start: "exec ./app", graceSeconds: 5, drainSeconds: 5, upstream: { socketFamily: socket } },
        ready: { path: null, timeoutSeconds: readySeconds ?? 20 },
      },
    }),
  };
}

/** Asks for an upgrade; resolves when it was granted. */
export async function openEcho(
  real: Pick<RealDaemon, "httpPort">,
  name: string,
): Promise<{ say(words: string): Promise<string>; close(): void }> {
  const socket = connect(real.httpPort, "127.0.0.1");
  const say = (words: string): Promise<string> =>
    new Promise((resolve, reject) => {
      socket.once("data", (bytes: Buffer) => resolve(bytes.toString()));
      socket.once("close", () => reject(new Error("closed")));
      socket.once("error", reject);
      socket.write(words);
    });
  const head = [
    `Host: ${name}-local.localhost`,
    `X-Tag: talk-${name}`,
    "Connection: Upgrade",
    "Upgrade: echo",
  ];
  const answer = await say(`GET /talk HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n`);
  if (!answer.startsWith("HTTP/1.1 101")) throw new Error(answer);
  return { say, close: () => socket.destroy() };
}
