import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A project folder made for one test. */
export interface Project {
  readonly dir: string;
  write(path: string, text: string): Promise<void>;
  remove(path: string): Promise<void>;
  dispose(): Promise<void>;
}

export async function makeProject(files: Readonly<Record<string, string>>): Promise<Project> {
  const dir = await mkdtemp(join(tmpdir(), "bloom-project-"));
  const project: Project = {
    dir,
    async write(path, text) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    },
    remove: (path) => rm(join(dir, path), { recursive: true, force: true }),
    dispose: () => rm(dir, { recursive: true, force: true }),
  };
  for (const [path, text] of Object.entries(files)) await project.write(path, text);
  return project;
}

/** A copy of a folder that a test may change. */
export async function copyProject(from: string): Promise<Project> {
  const project = await makeProject({});
  await cp(from, project.dir, { recursive: true });
  return project;
}

/** A crate named `name` whose only source is `main`; nothing to download. */
export function crateFiles(name: string, main: string): Record<string, string> {
  return {
    "Cargo.toml": `[package]\nname = "${name}"\nversion = "0.1.0"\nedition = "2021"\n\n[workspace]\n`,
    "src/main.rs": main,
  };
}

/** A web app that answers every request with `text`, one connection after the other, each closed after its answer. */
export function answeringApp(text: string): string {
  return `
use std::io::{Read, Write};
use std::net::TcpListener;

fn main() {
    let port = std::env::var("PORT").unwrap();
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    println!("ready to answer");
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut head = [0; 4096];
        if stream.read(&mut head).unwrap_or(0) == 0 {
            continue;
        }
        let body = ${JSON.stringify(text)};
        let _ = write!(stream, "HTTP/1.1 200 OK\\r\\nContent-Length: {}\\r\\n\\r\\n{}", body.len(), body);
    }
}
`;
}
