import { execFile } from "node:child_process";
import { networkInterfaces } from "node:os";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startPlatform, type Platform } from "./lib/platform.js";
import { makeProject, type Project } from "./lib/project.js";

/** Runs each request's path as a line of `sh` and answers with what it printed; Perl is on every Debian. */
const server = `
use strict; use IO::Socket::INET; $SIG{CHLD} = "IGNORE"; $SIG{PIPE} = "IGNORE";
my $listen = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ENV{PORT}, Listen => 20, ReuseAddr => 1) or die $!;
while (1) {
  my $peer = $listen->accept or next;
  my $line = <$peer> // ""; while (defined(my $head = <$peer>)) { last if $head =~ /^\\r?$/ }
  my ($path) = $line =~ m{^GET /(\\S*)}; $path //= ""; $path =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
  local $SIG{CHLD} = "DEFAULT"; open(my $out, "-|", "/bin/sh", "-c", "exec 2>&1; $path") or die; my $body = join "", <$out>; close $out;
  print $peer "HTTP/1.1 200 OK\\r\\nContent-Length: " . length($body) . "\\r\\nConnection: close\\r\\n\\r\\n$body"; close $peer;
}
`;

/** Connects to each HOST:PORT and prints what came of it; \`gateway\` is the machine's end of the link. */
const tries = `
use strict; use Socket; $| = 1;
open(my $routes, "<", "/proc/net/route"); my ($gateway) = map { (split)[1] eq "00000000" ? inet_ntoa(pack "V", hex((split)[2])) : () } <$routes>;
for my $place (@ARGV) {
  my ($host, $port) = split /:/, $place; $host = $gateway // "127.0.0.1" if $host eq "gateway";
  socket(my $s, PF_INET, SOCK_STREAM, 0) or die;
  print connect($s, sockaddr_in($port, inet_aton($host))) ? "connected\\n" : "$!\\n";
}
`;

const refused = "Connection refused";

describe.skipIf(process.getuid?.() !== 0)("the network of an app", () => {
  const host = "shell-local.localhost";
  let platform: Platform;
  let project: Project;
  let places: readonly string[];

  const manifest = (run: string): string =>
    `name = "shell"\n[run]\ngrace_seconds = 1\ndrain_seconds = 1\n${run}\n`;
  const run = async (line: string): Promise<string> =>
    (await platform.get(host, `/${encodeURIComponent(line)}`)).body;
  const listTries = (): string => `perl try.pl ${places.join(" ")}`;
  const deploy = async (network: string): Promise<void> => {
    await project.write("bloom.toml", manifest(network));
    await platform.json("deploy", project.dir);
  };

  beforeAll(async () => {
    platform = await startPlatform("--http-address", "0.0.0.0");
    const lan = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .find((one) => one.family === "IPv4" && !one.internal && !one.address.startsWith("198."));
    places = [
      ...["127.0.0.1", "gateway", ...(lan === undefined ? [] : [lan.address])].flatMap((address) => [
        `${address}:${platform.apiPort}`,
        `${address}:${platform.httpPort}`,
      ]),
    ];
    project = await makeProject({
      "server.pl": server,
      "try.pl": tries,
      "bloom.toml": manifest(""),
      ".platform.app.yaml": [
        "name: shell",
        "type: 'rust:1'",
        "hooks:",
        `  build: ${listTries()} > built.txt`,
        "web:",
        "  commands: { start: exec perl server.pl }",
        "  locations: { '/': { passthru: true } }",
      ].join("\n"),
    });
    await platform.json("deploy", project.dir);
  });
  afterAll(async () => {
    await platform.stop();
    await project.dispose();
  });

  test("leads neither to the API nor to nginx, from the app, a command in it and its build", async () => {
    const expected = places.map(() => `${refused}\n`).join("");
    expect(await run(listTries())).toBe(expected);
    expect(await run("cat built.txt")).toBe(expected);
    const { stdout } = await platform.bloom("exec", "shell", "--", "sh", "-c", listTries());
    expect(stdout).toBe(expected);
  });

  test("may be none, or the machine's, one version after the other", async () => {
    await deploy('network = "none"');
    await eventually(
      "the version without a network",
      () => run("cat /etc/resolv.conf"),
      (words) => words === "nameserver 127.0.0.1\n",
    );
    expect(await run("perl try.pl 198.51.100.7:80")).toBe(`${refused}\n`);
    expect(await run("getent hosts db.example.com || echo unknown")).toBe("unknown\n");
    await deploy('network = "host"');
    const api = `perl try.pl 127.0.0.1:${platform.apiPort}`;
    await eventually(
      "the version in the machine's network",
      () => run(api),
      (words) => words === "connected\n",
    );
    await deploy('network = "outbound"');
    await eventually(
      "the version in a network of its own",
      () => run(api),
      (words) => words === `${refused}\n`,
    );
  });

  test("is mended when somebody flushes the machine's rules", async () => {
    const nft = async (...args: string[]): Promise<string> => (await promisify(execFile)("nft", args)).stdout;
    const tables = (await nft("list", "tables", "ip")).match(/bloom_\S+/g) ?? [];
    let own: string | undefined;
    for (const table of tables) {
      // The one of another daemon may be gone by now.
      const words = await nft("--terse", "list", "table", "ip", table).catch(() => "");
      if (words.includes(`home=${platform.home}"`)) own = table;
    }
    if (own === undefined) throw new Error(`no table of ${platform.home}`);
    await nft("delete", "table", "ip", own);
    // Until then nothing leads to the app.
    const mended = await eventually(
      "the rules",
      () => run(listTries()).catch(String),
      (words) => words.startsWith(refused),
    );
    expect(mended).toBe(places.map(() => `${refused}\n`).join(""));
  });
});
