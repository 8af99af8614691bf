import { BloomError } from "@bloomery/contract";
import { runProgram, type ProgramResult } from "../run-program.js";

/** Applies a text with `nft -f`: all of it or nothing. Throws ERR_NETWORK_SETUP. */
export async function applyNft(text: string): Promise<void> {
  if (text !== "") await runTool("nft", ["-f", "-"], text);
}

/** Runs an `ip -batch` text. With `force` it goes on after lines that fail and never throws for them. */
export async function applyIp(text: string, options: { readonly force?: boolean } = {}): Promise<void> {
  if (options.force === true) await tryTool("ip", ["-force", "-batch", "-"], text);
  else await runTool("ip", ["-batch", "-"], text);
}

// Constant text; what varies comes in as arguments. One process instead of four for each namespace.
const insideScript = `set -e
echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet
if [ -e /proc/sys/net/ipv6/conf/eth0 ]; then echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6; fi
printf %s "$1" | ip -batch -
printf %s "$2" | nft -f -`;

/** Sets a fresh namespace up from the inside. Throws ERR_NETWORK_SETUP. */
export async function applyInside(netns: string, ipText: string, nftText: string): Promise<void> {
  await runTool("ip", ["netns", "exec", netns, "/bin/sh", "-c", insideScript, "sh", ipText, nftText]);
}

/** Applies a text with `nft -f` in a namespace. Throws ERR_NETWORK_SETUP. */
export async function applyNftInside(netns: string, text: string): Promise<void> {
  await runTool("ip", ["netns", "exec", netns, "nft", "-f", "-"], text);
}

/** Runs one program to its end and returns what it printed. Throws ERR_SYSTEM_PACKAGE_MISSING or ERR_NETWORK_SETUP. */
export async function runTool(command: string, args: readonly string[], input?: string): Promise<string> {
  const result = await spawnTool(command, args, input);
  if (result.failed) {
    throw new BloomError("ERR_NETWORK_SETUP", `${command} failed: ${result.words}`, {
      details: { command: [command, ...args].join(" "), ...(input === undefined ? {} : { input }) },
    });
  }
  return result.stdout;
}

/** Like runTool, but undefined when the program ends with an error. */
export async function tryTool(
  command: string,
  args: readonly string[],
  input?: string,
): Promise<string | undefined> {
  const result = await spawnTool(command, args, input);
  return result.failed ? undefined : result.stdout;
}

function spawnTool(
  command: string,
  args: readonly string[],
  input: string | undefined,
): Promise<ProgramResult> {
  return runProgram(command, args, { purpose: "networks", ...(input === undefined ? {} : { input }) });
}
