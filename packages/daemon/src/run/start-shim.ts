import { spawn, type ChildProcess } from "node:child_process";
import { BloomError, shimHello, type ShimSpec } from "@bloomery/contract";

/**
 * Starts one `bloom-shim run`, which then lives on its own. The spec goes through its standard input and
 * never touches the disk, because the environment in it holds secrets. Resolves when the shim has said that
 * it stands; rejects with ERR_INSTANCE_LOST and the shim's words otherwise.
 */
export async function startShim(shimPath: string, spec: ShimSpec): Promise<void> {
  const child = spawn(shimPath, ["run"], { detached: true, stdio: ["pipe", "pipe", "ignore"] });
  await finishShim(child, shimPath, spec);
}

/** Gives a shim that waits what it shall do, and waits until it does. */
export async function finishShim(child: ChildProcess, shimPath: string, spec: ShimSpec): Promise<void> {
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null)
    throw new BloomError("ERR_INTERNAL", "a shim was started without pipes");
  const hello = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.once("error", (cause) =>
      reject(
        new BloomError("ERR_INSTANCE_LOST", `${shimPath} could not be started: ${cause.message}`, { cause }),
      ),
    );
    stdout.setEncoding("utf8");
    stdout.on("data", (chunk: string) => {
      text += chunk;
      // Its end comes a little later.
      if (chunk.endsWith("\n")) resolve(text);
    });
    stdout.once("end", () => resolve(text));
    stdin.on("error", () => undefined); // its exit is told by the missing hello
    stdin.end(JSON.stringify(spec));
  });
  child.unref();
  const parsed = shimHello.safeParse(parseLine(hello));
  if (!parsed.success)
    throw new BloomError("ERR_INSTANCE_LOST", `the shim of ${spec.id} ended before it stood`);
  if (!parsed.data.ok)
    throw new BloomError("ERR_INSTANCE_LOST", `the shim of ${spec.id} failed: ${parsed.data.error}`);
}

function parseLine(text: string): unknown {
  try {
    return JSON.parse(text.split("\n")[0] ?? "");
  } catch {
    return undefined;
  }
}
