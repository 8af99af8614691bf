import { z } from "zod";

/**
 * What goes between the daemon and `bloom-shim doorman`, one JSON document a line in each direction. `crates/control`
 * has the same words in Rust; both are checked against `fixtures/doorman/`. Keys are snake_case on the wire.
 *
 * Each version has a socket of its own, so that a daemon finds doormen of other versions, too; `hello` and `finish` are
 * the same in all of them. To end one at once, it is sent SIGTERM.
 */
export const doormanProtocol = 1;

const count = z.number().int().min(0);
const small = count.max(0xff_ff_ff_ff);
const door = z.string();

/** A socket to which nginx turns for an app that sleeps. */
const doorSpec = z.strictObject({
  id: door,
  path: z.string(),
  /** From being accepted to being connected to its target. */
  wait_ms: small,
  /** So many wait at a time; those beyond are closed at once. */
  limit: small,
});

const target = z.union([
  z.strictObject({ address: z.union([z.ipv4(), z.ipv6()]), port: z.number().int().min(1).max(65_535) }),
  z.strictObject({ path: z.string() }),
]);

/** A line from the daemon. */
export const doormanOrder = z.union([
  /** These are the doors from now on: missing ones are opened, all others closed. Answered by `kept`. */
  z.strictObject({ keep: z.strictObject({ doors: z.array(doorSpec) }) }),
  /** Whoever waits at this door is connected to this target. */
  z.strictObject({ lead: z.strictObject({ door, to: target }) }),
  /** Whoever waits at this door has waited in vain. */
  z.strictObject({ refuse: z.strictObject({ door }) }),
  /** Answered by `listed`. */
  z.strictObject({ list: z.strictObject({}) }),
  /** Closes all doors, and ends with the last connection that is carried. Answered by `finishing`. */
  z.strictObject({ finish: z.strictObject({}) }),
]);
export type DoormanOrder = z.infer<typeof doormanOrder>;

const carriedConnection = z.object({
  /** When it came to the door, RFC 3339. */
  since: z.string(),
  /** Bytes. */
  from_client: count,
  from_app: count,
  /** Pid of the nginx worker at the other end of the door's side. */
  worker: z.number().int().nullable(),
  /** Inode of the door's side, as `ss -x` shows it. */
  inode: count,
  /** Own address of the app's side, and where it leads; null for unix sockets. */
  local: z.string().nullable(),
  remote: z.string().nullable(),
});

const listedDoor = z.object({
  door,
  /** Whether it takes connections: a closed door is listed as long as something is carried that came by it. */
  open: z.boolean(),
  /** Connections that are not connected to a target yet. */
  waiting: count,
  connections: z.array(carriedConnection),
});
export type ListedDoor = z.infer<typeof listedDoor>;

/** The first line on every connection, in every version. `protocol` says which one speaks. */
export const doormanHello = z.object({
  hello: z.object({
    protocol: z.number().int(),
    pid: z.number().int(),
    doors: z.array(door),
    carried: count,
  }),
});
export type DoormanHello = z.infer<typeof doormanHello>["hello"];

/** A line from the doorman. */
export const doormanNews = z.union([
  doormanHello,
  /** Somebody waits at this door. Told once, until it is answered or nobody waits any more. */
  z.object({ knock: z.object({ door }) }),
  /** Nobody waits at this door any more: they have left, or their time is over. */
  z.object({ gone: z.object({ door }) }),
  /** The doors are as ordered, but for these. */
  z.object({ kept: z.object({ failed: z.array(z.object({ door, reason: z.string() })) }) }),
  z.object({ listed: z.object({ doors: z.array(listedDoor) }) }),
  /** The doors are closed; so many connections are still carried. */
  z.object({ finishing: z.object({ carried: count }) }),
  /** A line that was not understood, and has changed nothing. */
  z.object({ error: z.object({ message: z.string() }) }),
]);
export type DoormanNews = z.infer<typeof doormanNews>;
