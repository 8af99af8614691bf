import type { Command } from "../command.js";
import { buildLibraries } from "../prefork/build-libraries.js";
import { findHost } from "../prefork/find-host.js";
import { readWords } from "../prefork/read-words.js";
import { runForeground } from "../prefork/run-foreground.js";

export const preforkCommand: Command = {
  name: "prefork",
  group: "Deploy",
  summary: "Serve a library by workers and threads, as its ini says",
  about:
    "It runs in the foreground and in the current folder, without a daemon, as `uwsgi FILE.ini` would. The library is\nbuilt first where its source lies in the folder and is newer. All that follows the file is for the host, whose\noptions are those of the ini (`bloom prefork app.ini --help` lists them). Signals go on to it, and its exit code is ours.",
  args: [
    { name: "file", about: "the ini, `file.ini` or `file.ini:section`" },
    { name: "options", about: "options for the host, as in the ini", optional: true, many: true },
  ],
  flags: [{ flag: "--no-build", about: "serve the library as it lies there" }],
  examples: [
    "bloom prefork app.ini",
    "bloom prefork app.ini --http-socket :9090 --processes 2",
    "bloom prefork app.ini --check",
  ],
  passesThrough: true,
  takesSignals: true,
  async run(context) {
    const { words, builds } = readWords(context.args, context.flags["build"] !== false);
    const host = findHost(context.env);
    if (builds) await buildLibraries(context, host, words);
    return runForeground([host, ...words], context);
  },
};
