import { expect, test } from "vitest";
import { instanceRecord } from "../../../src/run/engines/instance-record.js";

const tcp = { kind: "tcp", address: "198.18.0.2", port: 8888 };
const unix = { kind: "unix", path: "/i/app.sock" };
const common = {
  ...{ id: "i-1", environmentId: "e-1", releaseId: "r-1", role: "web", replica: 0 },
  ...{ netnsAddress: "198.18.0.2", outbound: false, cgroups: [] },
};

test.each([
  ["the ports it names", { address: tcp, netnsPorts: [7878, 7879] }, [7878, 7879]],
  ["none, when it names none", { address: tcp, netnsPorts: [] }, []],
  ["the one port of an older daemon", { address: unix, netnsPort: 8080 }, [8080]],
  ["that of the address, of one older still", { address: tcp, netnsPort: null }, [8888]],
  ["that of the address, where there was no such key", { address: tcp }, [8888]],
  ["none without a namespace", { address: tcp, netnsAddress: null }, []],
  ["none behind a socket", { address: unix }, []],
])("an instance's record tells which ports lead inside: %s", (_, part, ports) => {
  const record = instanceRecord.parse({ ...common, ...part });
  expect(record.netnsPorts).toEqual(ports);
  expect(instanceRecord.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
});
