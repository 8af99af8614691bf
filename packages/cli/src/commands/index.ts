import type { Command } from "../command.js";
import { accessCommands } from "./access.js";
import { completionCommand } from "./completion.js";
import { lookCommands } from "./look.js";
import { deployCommand } from "./deploy.js";
import { doctorCommand } from "./doctor.js";
import { logsCommand } from "./logs.js";
import { operateCommands } from "./operate.js";
import { serverCommands } from "./server.js";
import { validateCommand } from "./validate.js";
import { variableCommands } from "./variables.js";

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  deployCommand,
  validateCommand,
  ...operateCommands,
  ...variableCommands,
  ...lookCommands,
  logsCommand,
  ...accessCommands,
  ...serverCommands,
  doctorCommand,
  completionCommand,
];
