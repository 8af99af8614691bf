import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** nginx as a careful administrator would write it by hand: `server` are the lines of its one server. */
export function startMinimalNginx(folder, port, server, http = []) {
  mkdirSync(join(folder, "temp"), { recursive: true });
  const config = `daemon off;
worker_processes 2;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types;
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_body_temp_path ${folder}/temp/a;
  proxy_temp_path ${folder}/temp/b;
  fastcgi_temp_path ${folder}/temp/c;
  uwsgi_temp_path ${folder}/temp/d;
  scgi_temp_path ${folder}/temp/e;
  ${http.join("\n  ")}
  server {
    listen 127.0.0.1:${port};
    ${server.join("\n    ")}
  }
}
`;
  writeFileSync(join(folder, "nginx.conf"), config);
  return spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], {
    stdio: "ignore",
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  });
}
