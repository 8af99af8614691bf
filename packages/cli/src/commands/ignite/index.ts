import type { Command } from "../../command.js";
import { appCommands } from "./app.js";
import { appDeployCommand } from "./app-deploy.js";
import { appLogsCommand } from "./app-logs.js";
import { configCommands } from "./config.js";
import { draftCommands } from "./draft.js";
import { executionCommands } from "./execution.js";
import { invokeCommand } from "./invoke.js";
import { igniteSecretCommands } from "./secret.js";
import { versionCommands } from "./version.js";

/** The verbs for functions, in the words of Ignite. */
export const igniteCommands: readonly Command[] = [
  ...appCommands,
  appDeployCommand,
  appLogsCommand,
  ...draftCommands,
  ...versionCommands,
  invokeCommand,
  ...executionCommands,
  ...igniteSecretCommands,
  ...configCommands,
];
