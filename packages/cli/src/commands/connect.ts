import { BloomError } from "@bloomery/contract";
import { appArgument, environmentFlag, type Command } from "../command.js";
import { runSession } from "../inside/run-session.js";
import { placeOf } from "./place.js";

export const connectCommand: Command = {
  name: "connect",
  group: "Inside",
  summary: "Connect to an app's port and talk to it line by line",
  about:
    "Lines go out as they are typed, what the app sends is printed as it comes. Ctrl-D ends what you send, and the\ncommand ends when the app ends its side. It works for ports that are not public, too, and with pipes.",
  args: [appArgument],
  flags: [environmentFlag, { flag: "--port <port>", about: "which port, of an app that has several" }],
  examples: ["bloom connect game", "echo hello | bloom connect game --port 7878"],
  async run(context) {
    const place = placeOf(context);
    const { port } = context.flags;
    await runSession(context, place, typeof port === "string" ? { port: parsePort(port) } : {});
  },
};

function parsePort(word: string): number {
  const port = /^\d{1,5}$/.test(word) ? Number(word) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new BloomError("ERR_INVALID_ARGUMENT", `--port is \`${word}\`, but must be a number from 1 to 65535`);
}
