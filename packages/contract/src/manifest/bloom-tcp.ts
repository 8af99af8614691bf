import { z } from "zod";
import { tcpPortDefaults as defaults } from "../config/tcp.js";
import { manifestLimits as limits } from "./defaults.js";
import { element, key } from "./key-meta.js";
import { intWithin, lineText, portNumber, seconds } from "./scalars.js";

const portWords = "a port from 1 to 65535";
const secondsWords = `a number of seconds from ${limits.seconds.min} to ${limits.seconds.max}`;
const connections = { min: 1, max: 1_000_000 };
const connectionsWords = `a whole number from ${connections.min} to ${connections.max}`;

/** Far more than a firewall or a program has use for. */
const mostPorts = 64;
const mostNetworks = 1000;

/** Bytes that are sent in one piece, so that a client that goes away does not hold anybody up. */
const longestGoodbye = 1024;

const tlsTable = z.object({
  certificate: key(lineText, {
    about:
      "The certificate with those that vouch for it, as PEM: a file of the project, from the app's folder.",
    expected: "the path of a PEM file",
    example: "tls/server.crt",
  }),
  key: key(lineText, {
    about: "The certificate's private key, as PEM: a file of the project, from the app's folder.",
    expected: "the path of a PEM file",
    example: "tls/server.key",
  }),
});

/** One `[[tcp]]`. */
const tcpPort = element(
  z.object({
    port: key(portNumber, {
      about: "The port clients connect to.",
      expected: portWords,
      example: 7878,
    }),
    target_port: key(portNumber, {
      about: "The port the app listens on.",
      expected: portWords,
      example: 7878,
      default: "the same as `port`",
    }),
    proxy_protocol: key(z.enum(["v1", "v2"]), {
      about:
        "Tells the app who its client is, by a line (v1) or a binary head (v2) of the PROXY protocol before anything else.",
      expected: 'one of "v1", "v2"',
      example: "v1",
      default: "the app is not told",
    }),
    tls: key(tlsTable, {
      about: "Clients speak TLS with this certificate; the app gets what was encrypted as plain bytes.",
      expected: "a table with the keys certificate and key",
      example: { certificate: "tls/server.crt", key: "tls/server.key" },
      default: "bytes go through as they are",
    }),
    allow: key(
      z
        .array(
          element(lineText, {
            about: "An address, or a network with the length of its prefix, of IPv4 or IPv6.",
            expected: "an address or a network",
            example: "10.0.0.0/8",
          }),
        )
        .max(mostNetworks),
      {
        about: "Addresses and networks of the clients that are let in; the others are turned away.",
        expected: `a list of at most ${mostNetworks} addresses and networks`,
        example: ["10.0.0.0/8", "2001:db8::/32"],
        default: "everybody",
      },
    ),
    max_connections: key(intWithin(connections), {
      about: "Connections at a time; the next one is closed at once.",
      expected: connectionsWords,
      example: 1000,
      default: "as many as come",
    }),
    max_connections_per_address: key(intWithin(connections), {
      about: "Connections at a time of one client address; the next one is closed at once.",
      expected: connectionsWords,
      example: 10,
      default: "as many as come",
    }),
    idle_seconds: key(seconds, {
      about: "Seconds without a byte in either direction after which a connection is closed.",
      expected: secondsWords,
      example: 600,
      default: String(defaults.idleSeconds),
    }),
    drain_seconds: key(seconds, {
      about: "Seconds connections to this port of an old version may last after a deployment.",
      expected: secondsWords,
      example: 300,
      default: `\`drain_seconds\` of [run], else ${defaults.drainSeconds}`,
    }),
    goodbye: key(
      z.string().refine((text) => Buffer.byteLength(text) <= longestGoodbye),
      {
        about:
          "Sent, as it is, to clients whose connection is cut when `drain_seconds` are over; may have line ends and other control characters.",
        expected: `a text of at most ${longestGoodbye} bytes`,
        example: "the server is being replaced, please connect again\r\n",
        default: "nothing is sent",
      },
    ),
  }),
  { about: "One port.", expected: "a table with keys such as port and target_port", example: { port: 7878 } },
);

/** All `[[tcp]]`. */
export const tcpTables = z.array(tcpPort).max(mostPorts);
