import type { NewFile } from "./starting-point.js";

/** The manifest of a tcp app; without a name it has that of its crate. Without a port those it listens on are looked up. */
export function renderTcpManifest(name: string | null, port: number | null): string {
  const mark = port === null ? "# " : "";
  return `# What this app is and how it runs; \`bloom validate\` checks it.
${name === null ? "" : `name = "${name}"\n`}shape = "tcp"

# The ports clients connect to. Without them the platform looks what the started program listens on.
${mark}[[tcp]]
${mark}port = ${port ?? defaultPort}
# The port the program listens on, when it is another one.
# target_port = ${port ?? defaultPort}
# Only these clients are let in.
# allow = ["10.0.0.0/8"]
# Connections to an old version last so long, and then end with these words.
# drain_seconds = 300
# goodbye = "the server is being replaced, please connect again\\r\\n"

[run]
# With 0 nothing runs when nobody is connected, after this time; the next client wakes it.
# min_replicas = 0
# idle_seconds = 300
`;
}

const defaultPort = 7878;

/** A program that sends back each line it gets, in nothing but the standard library, and its crate. */
export function planServer(name: string): NewFile[] {
  const crate = `[package]\nname = "${name}"\nversion = "0.1.0"\nedition = "2021"\n`;
  return [
    { path: "Cargo.toml", text: crate },
    { path: "src/main.rs", text: program },
    { path: ".gitignore", text: "/target\n" },
    { path: "bloom.toml", text: renderTcpManifest(name, defaultPort) },
  ];
}

const program = `use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("0.0.0.0:${defaultPort}")?;
    println!("listening on port ${defaultPort}");
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || {
            if let Err(error) = serve(stream) {
                eprintln!("a connection ended: {error}");
            }
        });
    }
    Ok(())
}

/// Sends back each line until the client has no more.
fn serve(mut stream: TcpStream) -> io::Result<()> {
    let lines = BufReader::new(stream.try_clone()?).lines();
    for line in lines {
        writeln!(stream, "{}", line?)?;
    }
    Ok(())
}
`;
