import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanUp, makeOutside } from "../packages/daemon/test/run/network/real-network.js";
import { startPlatform, type Platform } from "./lib/platform.js";
import { iniText } from "./lib/prefork.js";
import { makeProject, type Project } from "./lib/project.js";

/** `/HOST/PORT` is connected to, and answered with what it said or why there is no connection. */
const source = `use prefork::{Request, Response};
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

#[prefork::application]
fn application(req: &mut Request) -> Response {
    let place: SocketAddr = req.path()[1..].replace('/', ":").parse().unwrap();
    let told = TcpStream::connect_timeout(&place, Duration::from_secs(4)).and_then(|mut stream| {
        let mut words = String::new();
        stream.read_to_string(&mut words)?;
        Ok(words)
    });
    Response::text(told.unwrap_or_else(|error| format!("{:?}", error.kind())))
}
`;

describe.skipIf(process.getuid?.() !== 0)("the network of a prefork app", () => {
  let platform: Platform;
  let project: Project;
  let outside: { readonly address: string; readonly host: string };
  beforeAll(async () => {
    outside = await makeOutside();
    platform = await startPlatform("--http-address", "0.0.0.0");
    project = await makeProject({
      "app.ini": iniText("./libshop.so"),
      "Cargo.toml":
        '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n[lib]\ncrate-type = ["cdylib"]\n[dependencies]\nprefork = "*"\n',
      "src/lib.rs": source,
    });
  });
  afterAll(async () => {
    await platform.stop();
    await project.dispose();
    await cleanUp();
  });

  const deploy = async (run: string): Promise<void> => {
    await project.write("bloom.toml", `[run]\n${run}\ngrace_seconds = 1\ndrain_seconds = 1\n`);
    await platform.json("deploy", project.dir, "-a", "old");
  };
  const reach = async (host: string, port: number): Promise<string> =>
    (await platform.get("old-local.localhost", `/${host}/${port}`)).body;

  test("is its socket alone unless it asks for more", async () => {
    await deploy("");
    expect(await reach(outside.address, 7000)).toBe("NetworkUnreachable");
    expect(await reach("127.0.0.1", platform.apiPort)).toBe("ConnectionRefused");
  });

  test("is the outside and nothing of this machine, or of it the places in a list", async () => {
    const lan = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .find((one) => one.family === "IPv4" && !one.internal && !one.address.startsWith("198."));
    const shut: (readonly [string, number])[] = [
      ["127.0.0.1", platform.apiPort],
      [outside.host, platform.httpPort],
      ["169.254.169.254", 80],
      ...(lan === undefined ? [] : [[lan.address, platform.httpPort] as const]),
    ];
    const listed = `network = "outbound"\noutbound = ["${outside.address}:7000"]`;
    for (const run of ['network = "outbound"', listed]) {
      await deploy(run);
      expect(await reach(outside.address, 7000)).toBe(`from ${outside.host}`);
      for (const [host, port] of shut)
        expect([host, await reach(host, port)]).toEqual([host, "ConnectionRefused"]);
    }
    await deploy('network = "outbound"\noutbound = ["192.0.2.1:7000"]');
    expect(await reach(outside.address, 7000)).toBe("ConnectionRefused");
  });
});
