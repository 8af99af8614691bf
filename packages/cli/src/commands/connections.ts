import { BloomError, formatAppRef, type ConnectionView } from "@bloomery/contract";
import { appArgument, environmentFlag, type Command, type Context } from "../command.js";
import { formatBytes, formatSpan } from "../output/table.js";
import { placeOf } from "./place.js";

export const connectionsCommand: Command = {
  name: "connections",
  group: "Look",
  summary: "List who is connected to an app, or end one connection",
  about:
    "BYTES IN is what the client has sent, BYTES OUT what it has received. A connection stays with the version it began\nwith: of an old one it is `draining`, and may last as long as the manifest says. --close breaks one off.",
  args: [appArgument],
  flags: [environmentFlag, { flag: "--close <id>", about: "end this connection" }],
  examples: ["bloom connections game", "bloom connections game --close 4711-12"],
  async run(context) {
    const { close } = context.flags;
    return typeof close === "string" ? end(context, close) : list(context);
  },
};

async function list(context: Context): Promise<void> {
  const { client, output } = context;
  const place = placeOf(context);
  const answer = await client().call("listConnections", { params: place });
  const head = [
    "CONNECTION",
    "PEER",
    "PORT",
    "VERSION",
    "RELEASE",
    "INSTANCE",
    "STATE",
    "AGE",
    "BYTES IN",
    "BYTES OUT",
  ];
  output.table(answer, head, answer.connections.map(describe));
  if (answer.unlisted > 0) output.say(`${answer.unlisted} open, of which no more is known`);
  for (const note of answer.notes) output.say(note.replaceAll("APP", formatAppRef(place)));
}

async function end(context: Context, connection: string): Promise<void> {
  const { client, confirm, output } = context;
  const place = placeOf(context);
  const { connections } = await client().call("listConnections", { params: place });
  const found = connections.find(({ id }) => id === connection);
  if (found === undefined) {
    throw new BloomError("ERR_NOT_FOUND", `${formatAppRef(place)} has no open connection ${connection}`, {
      hint: `It may have ended. \`bloom connections ${formatAppRef(place)}\` lists those that are open.`,
    });
  }
  await confirm(`End the connection ${connection} of ${found.peer ?? "the platform itself"}?`);
  const answer = await client().call("closeConnection", { params: { ...place, connection } });
  output.result(answer, [`${connection} has ended`]);
}

function describe(one: ConnectionView): string[] {
  return [
    one.id,
    one.peer ?? "-",
    String(one.port),
    one.version === null ? "-" : `v${one.version}`,
    String(one.release ?? "-"),
    one.instance ?? "-",
    one.state,
    one.ageSeconds === null ? "-" : formatSpan(one.ageSeconds),
    formatBytes(one.bytesIn),
    formatBytes(one.bytesOut),
  ];
}
