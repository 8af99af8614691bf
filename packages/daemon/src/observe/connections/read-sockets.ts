/** One connected TCP socket as `ss` shows it. */
export interface SocketRow {
  /** `ESTAB`, `FIN-WAIT-2`, `CLOSE-WAIT` … */
  readonly state: string;
  /** Address and port as `ss` writes and reads them: `198.18.128.1:7878`, `[::ffff:127.0.0.1]:7878`. */
  readonly local: string;
  readonly peer: string;
  /** Bytes that came in, and that the other side has acknowledged. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** The end of a stream takes a place in the order of its bytes, and the kernel counts it as one. */
const endReceived: ReadonlySet<string> = new Set(["CLOSE-WAIT", "LAST-ACK", "CLOSING", "TIME-WAIT"]);
const endAcknowledged: ReadonlySet<string> = new Set(["FIN-WAIT-2", "TIME-WAIT"]);

/** Nobody has it open any more; the kernel alone waits for the rest of it. */
const abandoned = " ino:0 ";

/** Reads what `ss -tineH` prints: a line for each socket, and indented lines with its figures. */
export function readSockets(text: string): SocketRow[] {
  const rows: SocketRow[] = [];
  let record = "";
  const take = (): void => {
    const row = readRecord(record);
    if (row !== undefined) rows.push(row);
  };
  for (const line of text.split("\n")) {
    if (line.startsWith("\t") || line.startsWith(" ")) {
      record += line;
    } else {
      take();
      record = line;
    }
  }
  take();
  return rows;
}

function readRecord(record: string): SocketRow | undefined {
  const match = /^([A-Z][A-Z0-9-]*)\s+\d+\s+\d+\s+(\S+:\d+)\s+(\S+:\d+)(?:\s|$)/.exec(record);
  if (match === null || record.includes(abandoned)) return undefined;
  const [, state = "", local = "", peer = ""] = match;
  const bytesIn = readCount(record, " bytes_received:") - (endReceived.has(state) ? 1 : 0);
  const bytesOut = readCount(record, " bytes_acked:") - (endAcknowledged.has(state) ? 1 : 0);
  return { state, local, peer, bytesIn: Math.max(0, bytesIn), bytesOut: Math.max(0, bytesOut) };
}

/** A figure that is not there is 0. Of ten thousand records, looking for a text is what takes no time. */
function readCount(record: string, name: string): number {
  const at = record.indexOf(name);
  if (at === -1) return 0;
  const count = Number.parseInt(record.slice(at + name.length, at + name.length + 15), 10);
  return Number.isNaN(count) ? 0 : count;
}

/** The same place in one way of writing: without a link's name, and IPv4 addresses as such also on IPv6 sockets. */
export function plainAddress(address: string): string {
  return address.replace(/%[^\]:]*/, "").replace(/^\[::ffff:(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})\]/, "$1");
}

/** The host of `127.0.0.1:80` or `[::1]:80`, and its port; 0 when there is none. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(":");
  if (at === -1) return { host: address, port: 0 };
  const port = Number(address.slice(at + 1));
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ""), port: Number.isInteger(port) ? port : 0 };
}
