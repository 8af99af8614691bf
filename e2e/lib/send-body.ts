import { connect, type Socket } from "node:net";

interface To {
  readonly port: number;
  readonly host: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function open({ port, host, path, headers = {} }: To, rest: string): Promise<Socket> {
  const lines = Object.entries({ host: `${host}:${port}`, ...headers }).map((pair) => pair.join(": "));
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      socket.write(`POST ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n${rest}`);
      resolve(socket);
    });
  });
}

/**
 * Sends a body, of a length that is said or in chunks, until somebody answers: with what was answered, and how much
 * had left this process by then. Fails when 1 GiB was taken.
 */
export async function sendWithoutEnd(
  to: To,
  length: number | undefined,
): Promise<{ readonly status: number; readonly body: string; readonly sent: number }> {
  const isChunked = length === undefined;
  const how = isChunked ? "transfer-encoding: chunked" : `content-length: ${length}`;
  const socket = await open(to, `${how}\r\n\r\n`);
  const data = Buffer.alloc(64 * 1024, " ");
  const piece = isChunked
    ? Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from("\r\n")])
    : data;
  let sent = 0;
  let answer = "";
  return new Promise((resolve, reject) => {
    const limit = 1024 ** 3 - piece.length;
    const send = (): void => {
      while (answer === "" && !socket.destroyed && sent < limit) {
        sent += data.length;
        if (!socket.write(piece)) return;
      }
      if (sent >= limit) socket.destroy(new Error("all of it was taken"));
    };
    const end = (): void => {
      const [head = "", body = ""] = answer.split("\r\n\r\n");
      const status = Number(head.split(" ")[1]);
      if (answer === "") reject(new Error("there was no answer"));
      else resolve({ status, body, sent });
    };
    socket.on("drain", send);
    socket.on("data", (bytes) => (answer += bytes.toString()));
    // Whoever answers without reading on may cut the rest off.
    socket.on("error", (error) => (answer === "" ? reject(error) : undefined));
    socket.on("close", end);
    socket.on("end", () => socket.destroy());
    send();
  });
}

/** Begins a request that it does not end; returns how to leave. */
export async function startBody(to: To, rest: string): Promise<() => Promise<void>> {
  const socket = await open(to, rest);
  socket.on("error", () => undefined);
  return () =>
    new Promise((resolve) => {
      socket.once("close", () => resolve());
      // What was written leaves first.
      socket.end();
      socket.resume();
      socket.once("end", () => socket.destroy());
    });
}
