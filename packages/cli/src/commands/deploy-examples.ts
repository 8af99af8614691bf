import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { toBloomError } from "@bloomery/contract";
import type { Client } from "../client.js";
import type { Context } from "../command.js";
import { deployCommand } from "./deploy.js";

/** On the first start (no app exists) every example is deployed; returns the URLs of all apps. */
export async function deployExamples(context: Context, client: Client, folder: string): Promise<string[]> {
  const { apps } = await client.call("listApps", {});
  if (apps.length === 0) {
    const examples = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
    for (const { name } of examples) {
      try {
        await deployCommand.run({
          ...context,
          args: [join(folder, name)],
          flags: { environment: "main" },
          client: () => client,
          output: { ...context.output, result: () => undefined },
        });
      } catch (error) {
        // The platform is there all the same, and says what is wrong with the example.
        const failure = toBloomError(error);
        context.output.say(`warning: the example ${name} could not be deployed: ${failure.message}`);
      }
    }
  }
  const now = await client.call("listApps", {});
  return now.apps.flatMap((app) => app.environments.map((environment) => environment.url));
}
