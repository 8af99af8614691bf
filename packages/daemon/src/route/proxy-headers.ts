/** What every app is told. nginx forgets these wherever a block has headers of its own, which must repeat them. */
export const proxyHeaders: readonly (readonly [string, string])[] = [
  ["Host", "$host$bloom_port"],
  ["Connection", "$bloom_connection"],
  ["Upgrade", "$bloom_upgrade"],
  ["X-Forwarded-For", "$proxy_add_x_forwarded_for"],
  ["X-Forwarded-Proto", "$scheme"],
  ["X-Forwarded-Host", "$host$bloom_port"],
  ["X-Real-IP", "$remote_addr"],
  ["X-Client-IP", "$remote_addr"],
  ["X-Client-SSL", "$https"],
  ["X-Original-Route", "$scheme://{default}/"],
  // An app trusts these; nobody here can say them yet.
  ...["Verify", "DN", "Cert"].map((name): [string, string] => [`X-Client-${name}`, ""]),
  ...["Cdn", "Country", "Asn", "Abuse-Score"].map((name): [string, string] => [`Client-${name}`, ""]),
  ["Proxy-Connection", ""],
  ["Proxy-Authorization", ""],
  // CGI-style programs would take it for HTTP_PROXY.
  ["Proxy", ""],
];

export function planHeaders(headers: readonly (readonly [string, string])[]): readonly string[] {
  return headers.map(([name, value]) => `proxy_set_header ${name} "${value}";`);
}
