import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/index.js";
import { textFiles } from "./manifest-cases.js";

const manifest = '[package]\nname = "p"\n';
const crate = (source: string, dependencies = ""): Record<string, string> => ({
  "Cargo.toml": `${manifest}[dependencies]\n${dependencies}\n`,
  "src/main.rs": source,
});
const accepts = "for stream in listener.incoming() {}";
const bind = `let listener = TcpListener::bind("0.0.0.0:7000")?; ${accepts}`;

function detect(texts: Record<string, string>) {
  const { config } = loadConfig(textFiles(texts));
  return [config?.shape, config?.detected];
}

describe("a program that listens itself is a tcp app", () => {
  const at = (address: string): string => `src/main.rs listens on ${address} and speaks no HTTP`;
  const somewhere = "src/main.rs listens for TCP connections and speaks no HTTP";

  it.each([
    ["at a written address", bind, at("0.0.0.0:7000")],
    ["at a pair", `TcpListener::bind(("::1", 7000)); ${accepts}`, at("::1:7000")],
    ["at a reference", `TcpListener::bind(& "[::]:7000"); ${accepts}`, at("[::]:7000")],
    ["on several lines", 'TcpListener ::\n bind(\n  "a:1",\n)\n l.accept().await', at("a:1")],
    ["at an address from elsewhere", `TcpListener::bind(&address)?; ${accepts}`, somewhere],
    ["at an address made up", `TcpListener::bind(format!("0.0.0.0:{p}"))?; ${accepts}`, somewhere],
    ["at odd text", `TcpListener::bind("\u001b[2J")?; ${accepts}`, somewhere],
    ["through a TcpSocket", "let s = TcpSocket::new_v4()?; let l = s.listen(9)?; l.accept()", somewhere],
    ["after a comment that looks like text", `// "\n/* ' */ ${bind}`, at("0.0.0.0:7000")],
    ["after text that looks like a comment", `x("// /*"); y('"'); ${bind}`, at("0.0.0.0:7000")],
    ["after raw text", `x(r#"a" // "#); ${bind}`, at("0.0.0.0:7000")],
    ["and names its tests", `#[cfg(test)]\nmod tests;\n${bind}`, at("0.0.0.0:7000")],
    ["and for its tests at any port", `TcpListener::bind("a:0"); ${bind}`, at("0.0.0.0:7000")],
  ])("%s", (_, source, reason) => {
    expect(detect(crate(source))).toEqual(["tcp", reason]);
  });

  it.each([
    ["a client of HTTP", 'reqwest = "0.12"\ntokio = { version = "1", features = ["full"] }'],
    ["a crate whose name begins alike", 'axumish = "1"'],
    ["HTTP for its tests alone", '[dev-dependencies]\naxum = "0.8"\n[build-dependencies]\nhyper = "1"'],
  ])("made with %s", (_, dependencies) => {
    expect(detect(crate(bind, dependencies))[0]).toBe("tcp");
  });

  it("in a library of its workspace, and not in an example", () => {
    const texts = {
      "Cargo.toml": '[workspace]\nmembers = ["crates/*"]\n',
      "crates/app/Cargo.toml": manifest,
      "crates/app/src/main.rs": "fn main() {}",
      "crates/net/Cargo.toml": '[package]\nname = "net"\n',
      "examples/web/Cargo.toml": '[package]\nname = "web"\n[dependencies]\naxum = "1"\n',
      "examples/web/src/main.rs": bind,
    };
    expect(detect(texts)[0]).toBe("web");
    expect(detect({ ...texts, "crates/net/src/lib.rs": bind })).toEqual([
      "tcp",
      "crates/net/src/lib.rs listens on 0.0.0.0:7000 and speaks no HTTP",
    ]);
  });

  it("in a file that [[bin]] names", () => {
    const texts = { "Cargo.toml": `${manifest}[[bin]]\nname = "b"\npath = "b.rs"\n`, "b.rs": bind };
    expect(detect(texts)[0]).toBe("tcp");
  });
});

describe("it stays a web app", () => {
  it.each([
    ["when it connects only", 'TcpStream::connect("127.0.0.1:7878")'],
    ["when it listens in a comment", `// ${bind}\n/* ${bind}\n*/`],
    ["when it listens in a comment without an end", `/* ${bind}`],
    ["when it listens in its tests", `fn main() {}\n#[cfg(test)]\nmod tests { ${bind} }`],
    ["when it listens on any port", bind.replace("7000", "0")],
    ["when somebody else accepts", 'serve(TcpListener::bind("0.0.0.0:7000")?)'],
    ["when it answers in HTTP", `${bind} write!(stream, "HTTP/1.1 200 OK")`],
    ["when it knows of HTTP", `${bind} alpn(b"http/1.1")`],
    ["when it reads PORT", `${bind} std::env::var("PORT")`],
    ["when an option of it is PORT", `#[arg(long, env)]\nport: u16\n ${bind}`],
    ["when it listens on a socket in the file system", "UnixListener::bind(path)?; listener.accept()"],
  ])("%s", (_, source) => {
    expect(detect(crate(source))).toEqual(["web", "Cargo.toml has the binary p"]);
  });

  it.each([
    'axum = "0.8"',
    'tiny_http = "0.12"',
    'web = { package = "actix-web", version = "4" }',
    '[dependencies.hyper]\nversion = "1"',
    '[target."cfg(unix)".dependencies]\nrouille = "3"',
  ])("when it is made with %j", (dependencies) => {
    expect(detect(crate(bind, dependencies))[0]).toBe("web");
  });

  it("when a crate beside it is made with HTTP, speaks it or the workspace offers it", () => {
    const beside = crate(bind, 'own = { path = "./own" }\nfar = { path = "../far" }');
    const own = { "own/Cargo.toml": '[package]\nname = "own"\n', "own/src/lib.rs": "" };
    expect(detect({ ...beside, ...own })[0]).toBe("tcp");
    const made = { "own/Cargo.toml": `${own["own/Cargo.toml"]}[dependencies]\nwarp = "1"\n` };
    expect(detect({ ...beside, ...own, ...made })[0]).toBe("web");
    expect(detect({ ...beside, ...own, "own/src/lib.rs": '"HTTP/1.0"' })[0]).toBe("web");
    const offered = crate(bind, 'w.workspace = true\n[workspace.dependencies]\nw = { package = "axum" }');
    expect(detect(offered)[0]).toBe("web");
  });

  it("when there is more than anybody reads", () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`src/m${at}.rs`, ""]));
    expect(detect({ ...crate(bind), ...many })[0]).toBe("web");
  });

  it("when a manifest says so", () => {
    expect(detect({ ...crate(bind), ".platform.app.yaml": "type: rust:1\n" })[0]).toBe("web");
    expect(detect({ ...crate(bind), "bloom.toml": 'shape = "web"\n' })[0]).toBe("web");
  });
});

it("is no app at all when there is only a library", () => {
  const { problems } = loadConfig(textFiles({ "Cargo.toml": manifest, "src/lib.rs": bind }));
  expect(problems).toMatchObject([{ code: "ERR_SHAPE_UNKNOWN" }]);
});

it("takes no long time for source that was written to take one", () => {
  for (const piece of [
    '"',
    "/*",
    "'",
    'r#"',
    "r######",
    "#[cfg(test)]",
    "#[arg(",
    "\\",
    "TcpListener::bind((",
  ]) {
    const started = performance.now();
    detect(crate(`${piece.repeat(1_000_000 / piece.length)}\n${bind}`));
    expect(performance.now() - started).toBeLessThan(3000);
  }
});
