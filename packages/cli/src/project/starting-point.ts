/** One file of a starting point. */
export interface NewFile {
  readonly path: string;
  readonly text: string;
}

/** The manifest of a web app whose program is made by cargo. */
export function renderManifest(name: string, start: string): string {
  return `# What this app is and how it runs; \`bloom validate\` checks it.
name: ${name}
type: rust:1

hooks:
  # Runs in a sandbox for each new source.
  build: cargo build --release
  # Runs once for each new version, before it gets traffic: migrations, for example.
  # deploy: ${start} migrate

web:
  commands:
    # Listens on the port in PORT, on 127.0.0.1.
    start: ${start}
  locations:
    # Every request goes to the program. With \`root: public\` nginx sends the files of that folder itself.
    /:
      passthru: true
      allow: false

# Folders that are kept across deploys; all others are read-only at run time.
# mounts:
#   data:
#     source: storage
# disk: 128
`;
}

/** A web program in nothing but the standard library, and its crate. */
export function planProgram(name: string): NewFile[] {
  const crate = `[package]\nname = "${name}"\nversion = "0.1.0"\nedition = "2021"\n`;
  return [
    { path: "Cargo.toml", text: crate },
    { path: "src/main.rs", text: program },
    { path: ".gitignore", text: "/target\n" },
  ];
}

const program = `use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, io, thread};

fn main() -> io::Result<()> {
    let port = env::var("PORT").unwrap_or_else(|_| "8888".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    println!("listening on port {port}");
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

/// Answers the requests of one connection until the client has no more.
fn serve(mut stream: TcpStream) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while let Some(first) = lines.next().transpose()? {
        let path = first.split(' ').nth(1).unwrap_or("/").to_owned();
        // An empty line ends the head.
        for line in lines.by_ref() {
            if line?.is_empty() {
                break;
            }
        }
        let body = format!("Hello! You asked for {path}\\n");
        write!(
            stream,
            "HTTP/1.1 200 OK\\r\\nContent-Type: text/plain; charset=utf-8\\r\\nContent-Length: {}\\r\\n\\r\\n{body}",
            body.len()
        )?;
    }
    Ok(())
}
`;
