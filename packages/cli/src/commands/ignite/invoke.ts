import { BloomError } from "@bloomery/contract";
import type { Command } from "../../command.js";
import { parseCount } from "../place.js";
import { numberOf } from "./app-settings.js";
import { callFlags, inputArgument, planCall } from "./call.js";
import { defineVerb } from "./define.js";
import { functionArgument } from "./flags.js";
import { aboutFunction, functionOf } from "./function-ref.js";
import { printAnswer } from "./print-answer.js";

export const invokeCommand: Command = defineVerb({
  name: "invoke",
  summary: "Call a function and print what it answers",
  about:
    "The body goes to standard output as it comes, a status of 400 or more to standard error. Exit code then: 2 for\n4xx (401: 3, 403: 4, 404: 5, 408: 8, 409: 6, 429: 7), 1 for 5xx (504: 8). With --json it is one frame a line: a head,\nchunks of the body in base64, a trailer.",
  args: [functionArgument, inputArgument],
  flags: [
    ...callFlags,
    { flag: "--async", about: "queue the call and print the execution's id" },
    { flag: "--retries <count>", about: "with --async: how often to try again when it fails (0)" },
    { flag: "--version <number>", about: "call this version instead of the active one" },
  ],
  examples: [
    `dodil ignite invoke org:hello -p '{"message": "hi there"}'`,
    "bloom invoke hello --payload-file order.json --async",
    "curl -s https://example.com/a.png | bloom invoke resize - --raw > small.png",
    "bloom invoke hello --method GET --path /status --query full=1 --header 'Accept: text/plain'",
  ],
  async run(context) {
    const { flags, output } = context;
    const ref = functionOf(context);
    const version = parseVersion(flags["version"]);
    const isAsync = flags["async"] === true;
    const retries = numberOf(flags, "retries");
    if (isAsync && version !== undefined) {
      throw new BloomError(
        "ERR_USAGE",
        "--async and --version do not go together: the queue calls the active version",
        {
          hint: "Leave one of them out; `bloom execution replay ID --version N` calls another version.",
        },
      );
    }
    if (!isAsync && retries !== undefined) {
      throw new BloomError("ERR_USAGE", "--retries is for calls in the queue", {
        hint: "Give --async, too.",
      });
    }
    const body = await planCall(context, context.args[1]);
    const client = context.client();
    if (isAsync) {
      // Never broken off: we would not know whether it is queued.
      const answer = await aboutFunction(context, ref, () =>
        client.call(
          "igniteInvokeAsync",
          { params: ref, body: { ...body, ...(retries === undefined ? {} : { retries }) } },
          { signal: null },
        ),
      );
      output.result(answer, [answer.executionId]);
      return output.say(`\`bloom execution watch ${answer.executionId}\` follows it`);
    }
    return aboutFunction(context, ref, () =>
      printAnswer(
        context,
        version === undefined
          ? client.stream("igniteInvoke", { params: ref, body })
          : client.stream("igniteTestVersion", { params: { ...ref, version }, body }),
      ),
    );
  },
});

/** A number such as 3 or v3; undefined when none is given. Throws ERR_INVALID_ARGUMENT. */
export function parseVersion(word: unknown, what = "--version"): number | undefined {
  return typeof word === "string" ? parseCount(what, word.replace(/^v(?=\d)/, ""), 1) : undefined;
}
