/** A project as its author wrote it in 2015: one file, an ini, and nothing that says how to build it. */
export function classicFiles(word: string, ini: readonly string[] = []): Record<string, string> {
  return {
    "app.ini": iniText("./libapp.so", ["rust-fn = application", ...ini]),
    "app.rs": `#![crate_type = "dylib"]
#![feature(collections)]

use std::collections::HashMap;

#[no_mangle]
pub extern fn application(vars: HashMap<&str, &str>) -> (String, Vec<(String, String)>, Vec<Vec<u8>>) {
    println!("asked for {}", vars["PATH_INFO"]);
    let headers = vec![
        (String::from_str("Content-Type"), String::from_str("text/plain")),
        (String::from_str("Foo"), String::from_str("Bar")),
    ];
    (String::from_str("200 OK"), headers, vec![String::from_str(${JSON.stringify(word)}).into_bytes()])
}
`,
  };
}

/** A crate written with the attribute; `attribute` and `more` for hooks. */
export function crateFiles(word: string, attribute = "", more = ""): Record<string, string> {
  return {
    "app.ini": iniText("./libshop.so"),
    "Cargo.toml": `[package]
name = "shop"
version = "0.1.0"
edition = "2021"

[lib]
crate-type = ["cdylib"]

[dependencies]
prefork = "*"
`,
    "src/lib.rs": `use prefork::{Request, Response};

#[prefork::application${attribute}]
fn application(req: &mut Request) -> Response {
    match req.path() {
        "/slow" => {
            std::thread::sleep(std::time::Duration::from_secs(3));
            Response::text("slow")
        }
        "/panic" => panic!("on purpose"),
        "/pid" => Response::text(std::process::id().to_string()),
        "/say" => {
            println!("out it goes");
            eprintln!("in it comes");
            Response::text("said")
        }
        "/who" => {
            let vars = ["REMOTE_ADDR", "SERVER_NAME", "REQUEST_SCHEME", "HTTPS"];
            Response::text(vars.map(|name| req.var(name).unwrap_or("-")).join(" "))
        }
        "/where" => {
            let folder = std::env::current_dir().unwrap();
            let way_out = std::net::TcpStream::connect("10.1.2.3:80").is_err_and(|error| error.raw_os_error() == Some(101));
            Response::text(format!("{} {:?} {}", folder.display(), std::env::var("GREETING"), way_out))
        }
        _ => Response::text(${JSON.stringify(word)}),
    }
}
${more}`,
  };
}

/** Three workers of four threads. */
export function iniText(library: string, lines: readonly string[] = [], port = 8080): string {
  const head = ["[uwsgi]", "plugin = rust", `http-socket = :${port}`, `dlopen = ${library}`];
  return [...head, "master = true", "processes = 3", "threads = 4", ...lines, ""].join("\n");
}
