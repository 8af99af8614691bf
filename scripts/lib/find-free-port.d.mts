/** A loopback port nobody listens on. */
export function findFreePort(): Promise<number>;
