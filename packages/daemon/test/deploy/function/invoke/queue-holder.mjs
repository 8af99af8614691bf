// A daemon with nothing but its queue of executions, to be killed: argv[2] is the home, argv[3] the socket of the
// function's instance, argv[4] its environment, argv[5] how many calls it takes in. Prints each id once it is promised.
import { join } from "node:path";
import { openInvocations } from "../../../../dist/deploy/function/invoke/open-invocations.js";
import { placeOfEnvironment } from "../../../../dist/deploy/places.js";
import { openSecrets } from "../../../../dist/release/secrets.js";
import { openStore } from "../../../../dist/store/open-store.js";

const [, , home, socket, environment, count] = process.argv;
const store = await openStore({ url: `sqlite:${join(home, "bloom.db")}` });
const place = await placeOfEnvironment(store, environment);
const instance = { id: "i-live", address: { kind: "unix", path: socket } };
const invocations = await openInvocations({
  store,
  secrets: await openSecrets(join(home, "secrets.key")),
  folder: join(home, "invocations"),
  activation: { wake: async () => ({ instance, version: 1, startUs: null }) },
  engine: {},
  events: { changed: () => undefined },
  listInstances: async () => [],
  caughtUp: async () => undefined,
  log: console,
});
const request = {
  http: { method: "POST", path: "/", query: "", headers: {} },
  payload: Buffer.from("hello"),
};
await Promise.all(
  Array.from({ length: Number(count) }, async () => {
    const id = await invocations.enqueue({ place, kind: "async", request, version: null, retries: 0 });
    process.stdout.write(`${id}\n`);
  }),
);
setInterval(() => undefined, 1000);
