import { connect } from "node:net";

/**
 * One connection that is kept, to a port or a unix socket, without a client's own work in between: `ask` sends the
 * request and returns how many milliseconds the last byte of its answer took.
 */
export async function openCaller(address) {
  const socket = connect(address);
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  socket.setNoDelay(true);
  let received = "";
  let waiting;
  const end = (error) => {
    const { reject } = waiting ?? {};
    waiting = undefined;
    reject?.(error);
  };
  socket.on("error", end);
  socket.on("close", () => end(new Error("the connection was closed within an answer")));
  socket.setEncoding("latin1").on("data", (text) => {
    received += text;
    if (waiting === undefined || !isWhole(received)) return;
    const ms = performance.now() - waiting.begin;
    const { resolve } = waiting;
    waiting = undefined;
    resolve({ ms, text: received });
  });
  return {
    ask(request) {
      received = "";
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject, begin: performance.now() };
        socket.write(request);
      });
    },
    close: () => socket.destroy(),
  };
}

/** Answers here say how long they are. */
function isWhole(text) {
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head))?.[1];
  if (length === undefined) throw new Error(`an answer without a length:\n${text}`);
  return text.length >= head + 4 + Number(length);
}

/** A request with a body, as bytes of HTTP/1.1. */
export function writePost(host, body, headers = {}) {
  const all = { host, ...headers, "content-type": "application/json", "content-length": body.length };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return ["POST / HTTP/1.1", ...lines, "", body].join("\r\n");
}

/** Name → value of an answer's headers, in small letters, and its body. */
export function readAnswer(text) {
  const [head, ...body] = text.split("\r\n\r\n");
  const [status, ...lines] = head.split("\r\n");
  const headers = new Map(lines.map((line) => line.toLowerCase().split(/: */, 2)));
  return { status: Number(status.split(" ")[1]), headers, body: body.join("\r\n\r\n") };
}
