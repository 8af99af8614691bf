import { z } from "zod";
import { key, type KeyMeta } from "./key-meta.js";
import { locationsSchema } from "./location.js";
import { containerKeys } from "./container.js";
import { commandText } from "./scalars.js";

const commands = z.object({
  start: key(commandText, {
    about:
      "The command line that starts the app, run by `sh` in `/app`; it stays in the foreground and is restarted when it exits.",
    expected: "a command line",
    example: "./target/release/my-app",
    default: "the only binary of Cargo.toml, in the profile that is built",
  }),
  pre_start: key(commandText, {
    about: "A command run in each instance before `start`, which waits for it.",
    expected: "a command line",
    example: "./prepare.sh",
    default: "none",
  }),
  post_start: key(commandText, {
    about: "A command run in each instance beside `start`; traffic is let in when it has ended well.",
    expected: "a command line",
    example: "./wait-until-ready.sh",
    default: "none",
  }),
});

const upstream = z.object({
  socket_family: key(z.enum(["tcp", "unix"]), {
    about: "How the app listens: on the port in PORT, or on the socket in SOCKET.",
    expected: 'one of "tcp", "unix"',
    example: "tcp",
    default: "tcp",
  }),
  protocol: key(z.enum(["http", "fastcgi"]), {
    about: "What is spoken with the app.",
    expected: 'one of "http", "fastcgi"',
    example: "http",
    default: "http",
    notYet: (value) =>
      value === "fastcgi" ? "fastcgi takes effect in a later release; the app is spoken to in HTTP" : null,
  }),
});

/** Keys of earlier years. They are turned into the newer ones before the check. */
export function old(instead: string): z.ZodOptional<z.ZodUnknown> {
  const meta: KeyMeta = {
    about: "An old form.",
    expected: "the newer form",
    example: true,
    effect: "old",
    instead,
  };
  return key(z.unknown(), meta);
}

/** `web` of .platform.app.yaml. */
export const webSchema = z.object({
  commands: key(commands, {
    about: "The app's commands.",
    expected: "the key start with a command line",
    example: { start: "./target/release/my-app" },
  }),
  upstream: key(upstream, {
    about: "How the app is reached.",
    expected: "the keys socket_family and protocol",
    example: { socket_family: "tcp" },
  }),
  locations: key(locationsSchema, {
    about: "Path prefixes and what answers them; the longest prefix wins.",
    expected: "path prefixes with keys of a location",
    example: { "/": { passthru: true } },
    default: "`/` with `passthru: true`",
    entry: "path",
  }),
  ...containerKeys,
  document_root: old("web.locations./.root"),
  passthru: old("web.locations./.passthru"),
  index_files: old("web.locations./.index"),
  whitelist: old("web.locations./.rules"),
  blacklist: old("web.locations./.rules"),
  expires: old("web.locations./.expires"),
  move_to_root: key(z.unknown(), {
    about: "An old form: whether the files were moved to the top of the app.",
    expected: "true or false",
    example: false,
    notYet: () => 'this has no effect: files are served from where they are; write "web.locations./.root"',
  }),
});
