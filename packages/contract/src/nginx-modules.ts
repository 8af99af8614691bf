/** A module nginx may load, what is lost without it, and the Debian package that brings it. */
export interface NginxModule {
  readonly file: string;
  readonly loss: string;
  readonly debianPackage: string;
}

/** Built into some, a file of its own for others. */
export const streamModule = {
  file: "ngx_stream_module.so",
  loss: "tcp apps are refused",
  debianPackage: "libnginx-mod-stream",
} as const satisfies NginxModule;

/** What the platform makes use of where it is there. */
export const nginxModules = {
  brotli: {
    file: "ngx_http_brotli_filter_module.so",
    loss: "static files are compressed with gzip only",
    debianPackage: "libnginx-mod-http-brotli-filter",
  },
  brotliStatic: {
    file: "ngx_http_brotli_static_module.so",
    loss: "files compressed beforehand as .br are not used",
    debianPackage: "libnginx-mod-http-brotli-static",
  },
  headersMore: {
    file: "ngx_http_headers_more_filter_module.so",
    loss: "answers carry the header `Server: nginx`",
    debianPackage: "libnginx-mod-http-headers-more-filter",
  },
} as const satisfies Readonly<Record<string, NginxModule>>;
