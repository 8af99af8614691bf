import { z } from "zod";
import { manifestDefaults, manifestLimits as limits } from "./defaults.js";
import { key } from "./key-meta.js";
import { locationsSchema } from "./location.js";
import { seconds } from "./scalars.js";

const defaults = manifestDefaults.timeouts;
const expected = `a number of seconds from ${limits.seconds.min} to ${limits.seconds.max}`;

/** `[http.timeouts]`. */
const timeoutsTable = z.object({
  connect_seconds: key(seconds, {
    about: "Seconds the app may take to accept a connection.",
    expected,
    example: 5,
    default: String(defaults.connectSeconds),
  }),
  read_seconds: key(seconds, {
    about: "Seconds between two pieces of the app's answer, and until the first one.",
    expected,
    example: 60,
    default: String(defaults.readSeconds),
  }),
  send_seconds: key(seconds, {
    about: "Seconds between two pieces of a request that the app reads.",
    expected,
    example: 60,
    default: String(defaults.sendSeconds),
  }),
  stream_seconds: key(seconds, {
    about: "The same for WebSockets and other upgraded connections and for event streams.",
    expected,
    example: 3600,
    default: String(defaults.streamSeconds),
  }),
});

/** `[http]`. */
export const httpTable = z.object({
  locations: key(locationsSchema, {
    about: "The same as `web.locations` of .platform.app.yaml; an entry replaces the one of the same path.",
    expected: "path prefixes with keys of a location",
    example: { "/": { passthru: true } },
    entry: "path",
  }),
  timeouts: key(timeoutsTable, {
    about: "How long the proxy waits for the app.",
    expected: "a table with keys such as read_seconds",
    example: { read_seconds: 60 },
  }),
});
