import type { Command } from "../command.js";
import { accessCommands } from "./access.js";
import { completionCommand } from "./completion.js";
import { connectCommand } from "./connect.js";
import { connectionsCommand } from "./connections.js";
import { execCommand } from "./exec.js";
import { lookCommands } from "./look.js";
import { deployCommand } from "./deploy.js";
import { devCommand } from "./dev.js";
import { doctorCommand } from "./doctor.js";
import { logCommands } from "./logs.js";
import { igniteCommands } from "./ignite/index.js";
import { initCommand } from "./init.js";
import { mountCommands } from "./mount.js";
import { operateCommands } from "./operate.js";
import { preforkCommand } from "./prefork.js";
import { routeCommand } from "./route.js";
import { secretCommands } from "./secret.js";
import { serverCommands } from "./server.js";
import { validateCommand } from "./validate.js";
import { variableCommands } from "./variables.js";

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  deployCommand,
  validateCommand,
  initCommand,
  devCommand,
  preforkCommand,
  ...operateCommands,
  ...variableCommands,
  ...secretCommands,
  execCommand,
  connectCommand,
  ...mountCommands,
  routeCommand,
  ...lookCommands,
  connectionsCommand,
  ...logCommands,
  ...igniteCommands,
  ...accessCommands,
  ...serverCommands,
  doctorCommand,
  completionCommand,
];
