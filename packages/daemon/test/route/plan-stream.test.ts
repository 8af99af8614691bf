import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planNginxPaths } from "../../src/route/nginx-paths.js";
import type { NginxVersion } from "../../src/route/plan-http.js";
import { planNginx } from "../../src/route/plan-nginx.js";
import { planRoutes, type RouteTarget, type StreamTarget } from "../../src/route/plan-routes.js";
import { planStream } from "../../src/route/plan-stream.js";
import { makeStream, makeTcpApp } from "./serve-stream.js";
import { makeTarget } from "./targets.js";

const facts = {
  paths: planNginxPaths("/home/b/nginx"),
  version: [1, 22, 1] as NginxVersion,
  stream: { tls: true, addresses: ["127.0.0.1", "::1"] },
};

const plan = (targets: readonly RouteTarget[], wish: Partial<typeof facts> = {}): string =>
  planStream(planRoutes(targets), { ...facts, ...wish }).join("\n");
const planOne = (wish: Partial<StreamTarget>): string => plan([makeTcpApp([makeStream(wish)])]);

describe("planStream", () => {
  test("a port with nothing said about it", () => {
    expect(plan([makeTcpApp([makeStream()])])).toMatchInlineSnapshot(`
      "stream {
      	geo $bloom_dollar { default "$"; }
      	error_log "/home/b/nginx/log/stream.log" info;
      	limit_conn_zone $server_port zone=bloom_port:1m;
      	limit_conn_zone $binary_remote_addr$server_port zone=bloom_address:10m;
      	proxy_connect_timeout 5s;
      	proxy_next_upstream on;
      	proxy_buffer_size 64k;
      	tcp_nodelay on;
      	proxy_socket_keepalive on;
      	proxy_half_close on;
      	log_format bloom_env_2f3g4h5j6k7m escape=json '{"time":"$time_iso8601","at":$msec,"env":"env-2f3g4h5j6k7m","app":"local:chat","port":$server_port,"client":"$remote_addr","client_port":$remote_port,"received":$bytes_received,"sent":$bytes_sent,"seconds":$session_time,"status":$status,"upstream":"$upstream_addr"}';
      	upstream bloom_env_2f3g4h5j6k7m_7000 {
      		server 198.18.128.1:7878 max_fails=0;
      	}
      	server {
      		listen 127.0.0.1:7000 so_keepalive=on backlog=4096;
      		listen [::1]:7000 so_keepalive=on backlog=4096;
      		proxy_timeout 3600s;
      		proxy_pass bloom_env_2f3g4h5j6k7m_7000;
      		access_log "/home/b/nginx/log/stream-access.log" bloom_env_2f3g4h5j6k7m buffer=64k flush=1s;
      	}
      }"
    `);
  });

  test("everything that may be said", () => {
    const stream = makeStream({
      servers: [
        { kind: "tcp", address: "198.18.128.1", port: 1 },
        { kind: "tcp", address: "fd00::1", port: 2 },
        { kind: "unix", path: "/run/a.sock" },
      ],
      backup: "/run/door.sock",
      proxyProtocol: "v1",
      tls: { certificate: "/tls/c.pem", key: "/tls/k.pem" },
      allow: ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"],
      maxConnections: 100,
      maxConnectionsPerAddress: 5,
      idleSeconds: 7,
    });
    expect(plan([makeTcpApp([stream])]).split("upstream bloom_")[1]).toMatchInlineSnapshot(`
      "env_2f3g4h5j6k7m_7000 {
      		zone bloom_env_2f3g4h5j6k7m_7000 64k;
      		least_conn;
      		server 198.18.128.1:1 max_fails=0;
      		server [fd00::1]:2 max_fails=0;
      		server "unix:/run/a.sock" max_fails=0;
      		server "unix:/run/door.sock" max_fails=0 backup;
      	}
      	server {
      		listen 127.0.0.1:7000 ssl so_keepalive=on backlog=4096;
      		listen [::1]:7000 ssl so_keepalive=on backlog=4096;
      		ssl_certificate "/tls/c.pem";
      		ssl_certificate_key "/tls/k.pem";
      		ssl_protocols TLSv1.2 TLSv1.3;
      		ssl_handshake_timeout 10s;
      		allow 10.0.0.0/8;
      		allow 2001:db8::/32;
      		allow 192.0.2.1;
      		deny all;
      		limit_conn bloom_port 100;
      		limit_conn bloom_address 5;
      		proxy_protocol on;
      		proxy_timeout 7s;
      		proxy_pass bloom_env_2f3g4h5j6k7m_7000;
      		access_log "/home/b/nginx/log/stream-access.log" bloom_env_2f3g4h5j6k7m buffer=64k flush=1s;
      	}
      }"
    `);
  });

  test("there is no block without ports, without the module, and without addresses", () => {
    expect(plan([])).toBe("");
    expect(plan([makeTarget()])).toBe("");
    expect(plan([makeTcpApp([makeStream()], { state: "stopped" })])).toBe("");
    expect(planStream([makeTcpApp([makeStream()])], { ...facts, stream: null })).toEqual([]);
    expect(plan([makeTcpApp([makeStream()])], { stream: { tls: true, addresses: [] } })).toBe("");
  });

  test("directives of later versions are left out for earlier ones", () => {
    const old = plan([makeTcpApp([makeStream()])], { version: [1, 14, 0] });
    expect(old).not.toMatch(/half_close|socket_keepalive/);
    expect(planOne({})).toMatch(/proxy_half_close on;/);
  });

  test("each port has a server and an upstream of its own", () => {
    const text = plan([makeTcpApp([makeStream(), makeStream({ port: 7001 })])]);
    expect(text.match(/upstream bloom\S+/g)).toEqual([
      "upstream bloom_env_2f3g4h5j6k7m_7000",
      "upstream bloom_env_2f3g4h5j6k7m_7001",
    ]);
    expect(text.match(/log_format/g)).toHaveLength(1);
  });

  test("a connection may outlast any number of reloads once there are ports, and needs room", () => {
    const whole = { ...facts, listen: [], modules: [], workers: 1, workerUser: null };
    const without = planNginx(planRoutes([makeTarget()]), whole);
    expect(without).toContain("worker_shutdown_timeout 1h;");
    expect(without).toContain("worker_connections 16384;");
    const text = planNginx(planRoutes([makeTarget(), makeTcpApp([makeStream()])]), whole);
    expect(text).not.toContain("worker_shutdown_timeout");
    expect(text).toContain("worker_connections 32768;");
    expect(text.match(/^server \{|^\tserver \{/gm)).toHaveLength(4);
  });
});

describe("planRoutes", () => {
  test("gives a port to one environment only, whatever their order", () => {
    const targets = [
      makeTcpApp([makeStream(), makeStream({ port: 7001 })], { environmentId: "env-a" }),
      makeTcpApp([makeStream({ port: 7001 }), makeStream({ port: 7002 })], { environmentId: "env-b" }),
    ];
    const ports = (table: readonly RouteTarget[]): unknown =>
      table.map(({ environmentId, streams }) => [environmentId, streams.map(({ port }) => port)]);
    const wanted = [
      ["env-a", [7000, 7001]],
      ["env-b", [7002]],
    ];
    expect(ports(planRoutes(targets))).toEqual(wanted);
    expect(ports(planRoutes(targets.toReversed()))).toEqual(wanted);
  });

  test.each<Partial<StreamTarget>>([
    { port: 0 },
    { port: 65_536 },
    { port: 1.5 },
    { servers: [] },
    { servers: [{ kind: "tcp", address: "1.2.3.4; evil", port: 80 }] },
    { backup: "relative.sock" },
    { maxConnections: 0 },
    { maxConnectionsPerAddress: Number.NaN },
    { idleSeconds: 0 },
  ])("refuses %j", (wish) => {
    expect(() => planOne(wish)).toThrowError(expect.objectContaining({ code: "ERR_INTERNAL" }));
  });

  test.each([
    "",
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/",
    "all",
    "10.0.0.1;",
    "fe80::1%eth0",
    "unix:",
    "10.0.0.0/8 ",
  ])("refuses %j as a network", (network) => {
    expect(() => planOne({ allow: [network] })).toThrowError(
      expect.objectContaining({ code: "ERR_MANIFEST_INVALID" }),
    );
  });
});

/** The words of a text as nginx reads it: what is quoted is one word. */
function readWords(text: string): readonly string[] {
  return text.match(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{};]|[^\s{};"']+/gs) ?? [];
}

test("no text breaks out of its directive", () => {
  const nasty = fc
    .array(fc.constantFrom('"', "'", "\\", "$", "{", "}", ";", "#", "\n", " ", "a", "${x}"), { maxLength: 8 })
    .map((parts) => parts.join(""));
  const structure = (text: string): readonly string[] =>
    readWords(text).map((word) => (/^["']/.test(word) ? "quoted" : word));
  const wish = (text: string): string =>
    plan([
      makeTcpApp(
        [
          makeStream({
            servers: [{ kind: "unix", path: `/run/${text}` }],
            backup: `/door/${text}`,
            tls: { certificate: `/c/${text}`, key: `/k/${text}` },
          }),
        ],
        { app: `chat${text}`, org: `o${text}`, environmentId: "env-1" },
      ),
    ]);
  const plain = structure(wish("x"));
  fc.assert(
    fc.property(nasty, (text) => {
      expect(structure(wish(text))).toEqual(plain);
    }),
  );
  fc.assert(
    fc.property(fc.string(), (network) => {
      try {
        expect(planOne({ allow: [network] })).toMatch(/\tallow [0-9a-fA-F.:/]+;\n\t\tdeny all;/);
      } catch (error) {
        expect(error).toMatchObject({ code: "ERR_MANIFEST_INVALID" });
      }
    }),
  );
});
