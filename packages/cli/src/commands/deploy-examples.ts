import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { toBloomError } from "@bloomery/contract";
import type { Client } from "../client.js";
import type { Context } from "../command.js";
import { deployProject } from "./deploy.js";

/** On the first start (no app exists) every example is deployed; returns the URLs of all apps. */
export async function deployExamples(context: Context, client: Client, folder: string): Promise<string[]> {
  const { apps } = await client.call("listApps", {});
  if (apps.length === 0) {
    for (const path of await listFolders(resolve(context.cwd, folder))) {
      if (context.signal.aborted) return [];
      await deployOne(context, client, path);
    }
  }
  const now = await client.call("listApps", {});
  return now.apps.flatMap((app) =>
    app.environments.filter(({ version }) => version !== null).map(({ url }) => url),
  );
}

async function listFolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return names.sort().map((name) => join(folder, name));
}

async function deployOne(context: Context, client: Client, path: string): Promise<void> {
  const output = { ...context.output, result: () => undefined };
  try {
    const example = { ...context, args: [], flags: { environment: "main" }, client: () => client, output };
    // Each is a project of its own, whatever it lies in.
    await deployProject(example, { root: path, folder: "", folderName: basename(path) });
  } catch (error) {
    // The platform is there all the same, and says what is wrong with the example.
    context.output.say(`warning: the example ${path} could not be deployed: ${toBloomError(error).message}`);
  }
}
