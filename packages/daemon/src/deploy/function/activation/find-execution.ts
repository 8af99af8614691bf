const header = /(?:^|\r\n)x-ignite-execution-id:[ \t]*([A-Za-z0-9_-]{1,64})[ \t]*\r\n/i;

/** The execution's id in the first bytes of a request; undefined where they hold none. The edge has set it. */
export function findExecution(bytes: Buffer): string | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  const head = bytes.toString("latin1", 0, end === -1 ? bytes.length : end + 2);
  return header.exec(head)?.[1];
}
