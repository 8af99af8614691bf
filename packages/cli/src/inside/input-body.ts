import { PassThrough, type Readable } from "node:stream";
import type { ConnectOrder, ExecInput, ExecOrder } from "@bloomery/contract";
import type { Input } from "../command.js";

/** The body of an `exec` or `connect` request while it is answered: its order, then what is typed or piped in. */
export interface InputBody {
  readonly stream: Readable;
  send(line: ExecInput): void;
  /** Sends what comes from an input, as fast as it is taken, and its end. */
  feed(input: Input): void;
  /** Ends the body and lets go of the input. */
  close(): void;
}

export function openInputBody(order: ExecOrder | ConnectOrder): InputBody {
  const stream = new PassThrough();
  let release = (): void => undefined;
  const write = (line: ExecOrder | ConnectOrder | ExecInput): boolean =>
    stream.writable ? stream.write(`${JSON.stringify(line)}\n`) : true;
  write(order);
  return {
    stream,
    send: (line) => void write(line),
    feed(input) {
      const give = (chunk: Buffer | string): void => {
        if (write({ stdin: Buffer.from(chunk as string).toString("base64") })) return;
        input.pause();
        stream.once("drain", () => input.resume());
      };
      // An input that breaks has said what it had to say.
      const end = (): void => void write({ stdin: "" });
      input.on("data", give).once("end", end).once("error", end);
      release = () => {
        input.off("data", give).off("end", end).pause();
        // What is not read must not keep the process alive.
        input.unref?.();
      };
    },
    close() {
      release();
      release = () => undefined;
      stream.end();
    },
  };
}
