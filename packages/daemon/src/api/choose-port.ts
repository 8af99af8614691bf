import { BloomError, type AppConfig } from "@bloomery/contract";

/**
 * The port that an app listens on, for a connection to it; null where it is reached by a socket instead. `wanted` is
 * the port clients use or the app's own. Throws ERR_INVALID_ARGUMENT, or ERR_NOT_FOUND when no port is known yet.
 */
export function choosePort(
  config: Pick<AppConfig, "shape" | "tcp" | "web">,
  name: string,
  wanted: number | undefined,
): number | null {
  if (config.tcp !== null) return chooseTcpPort(config.tcp.ports, name, wanted);
  const own = config.shape === "web" && config.web.upstream.socketFamily === "tcp" ? config.web.port : null;
  if (wanted === undefined || wanted === own) return own;
  throw new BloomError("ERR_INVALID_ARGUMENT", `${name} does not listen on port ${wanted}`, {
    hint: own === null ? "It has a socket instead: leave the port out." : `Its port is ${own}.`,
  });
}

function chooseTcpPort(
  ports: NonNullable<AppConfig["tcp"]>["ports"],
  name: string,
  wanted: number | undefined,
): number {
  const [first] = ports;
  if (first === undefined) {
    throw new BloomError("ERR_NOT_FOUND", `no port of ${name} is known yet`, {
      hint: "Say it in the manifest, `[[tcp]] port = …`, or deploy again: what the app listens on is found out when it starts.",
    });
  }
  const list = ports.map(({ port, targetPort }) =>
    port === targetPort ? port : `${port} (${targetPort} inside)`,
  );
  if (wanted === undefined) {
    if (ports.length === 1) return first.targetPort;
    throw new BloomError("ERR_INVALID_ARGUMENT", `${name} has several ports: ${list.join(", ")}`, {
      hint: "Choose one with --port.",
    });
  }
  const found =
    ports.find(({ port }) => port === wanted) ?? ports.find(({ targetPort }) => targetPort === wanted);
  if (found !== undefined) return found.targetPort;
  throw new BloomError("ERR_INVALID_ARGUMENT", `${name} does not listen on port ${wanted}`, {
    hint: `It has ${list.join(", ")}.`,
  });
}
