import { BloomError, type ConnectOrder } from "@bloomery/contract";
import type { Context } from "../command.js";
import type { Place } from "../commands/place.js";
import { openInputBody } from "./input-body.js";

/**
 * A raw connection to an app: what comes in is sent, what the app answers is printed as it comes, and the end of
 * either side is passed on. Returns when the app has ended its side. Throws when it does not begin or is broken off.
 */
export async function runSession(context: Context, place: Place, order: ConnectOrder): Promise<void> {
  const { output, stdin } = context;
  const body = openInputBody(order);
  const lines = context.client().stream("connectToApp", { params: place }, { raw: body.stream });
  try {
    for await (const line of lines) {
      if (output.json) output.line(line, "");
      if (line.type === "end") return;
      if (line.type === "data" && !output.json) output.stdout.write(Buffer.from(line.data, "base64"));
      // What is typed before there is a connection would be lost if there never is one.
      if (line.type === "connected") {
        const input = stdin();
        const where = line.port === null ? place.app : `port ${line.port} of ${place.app}`;
        if (input.isTTY === true) output.say(`connected to ${where}; Ctrl-D ends what you send, Ctrl-C all`);
        body.feed(input);
      }
    }
    throw new BloomError("ERR_APP_UNREACHABLE", "the connection to the daemon ended before that to the app");
  } finally {
    body.close();
  }
}
