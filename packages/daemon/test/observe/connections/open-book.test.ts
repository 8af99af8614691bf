import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openBook, type ConnectionBook, type Session } from "../../../src/observe/connections/open-book.js";

let folder: string;
let file: string;
const books: ConnectionBook[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bloom-book-"));
  file = join(folder, "stream.log");
});
afterEach(async () => {
  for (const book of books.splice(0)) await book.close();
  await rm(folder, { recursive: true, force: true });
});

const idOf = (session: Session): string => session.id;
const open = (findOpen: (sessions: readonly Session[]) => Set<string> = (all) => new Set(all.map(idOf))) => {
  const book = openBook({
    file,
    findOpen: async (sessions) => findOpen(sessions),
    log: { warn: (fields, text) => console.error(text, fields) },
    readEveryMs: 3_600_000,
  });
  books.push(book);
  return book;
};
const line = (number: number, text: string, worker = 7): string =>
  `2026/11/22 05:38:13 [info] ${worker}#${worker}: *${number} ${text}\n`;
const begin = (number: number, worker = 7): string =>
  line(number, `client 192.0.2.7:${number} connected to 0.0.0.0:7878`, worker) +
  line(number, `proxy 198.18.128.1:${number} connected to 198.18.128.1:7000`, worker);
const end = (number: number, worker = 7): string =>
  line(number, "client disconnected, bytes from/to client:1/1, bytes from/to upstream:1/1", worker);
const idsOf = async (book: ConnectionBook): Promise<string[]> => {
  await book.read();
  return [...book.sessions()].map(idOf);
};

test("has those that have begun and not ended, of every worker", async () => {
  const book = open();
  expect(await idsOf(book)).toEqual([]); // there is no log yet
  await writeFile(file, begin(1) + begin(1, 8) + begin(2) + end(1));
  expect(await idsOf(book)).toEqual(["8-1", "7-2"]);
  expect([...book.sessions()][1]).toEqual({
    ...{ id: "7-2", peer: "192.0.2.7:2", listen: "0.0.0.0:7878", local: "198.18.128.1:2" },
    ...{ target: "198.18.128.1:7000", since: new Date(2026, 10, 22, 5, 38, 13).getTime() },
  });
  book.forget(["8-1"]);
  expect(await idsOf(book)).toEqual(["7-2"]);
});

test("a line that is half written is read when it is whole", async () => {
  const book = open();
  const text = begin(1);
  await writeFile(file, text.slice(0, 40));
  expect(await idsOf(book)).toEqual([]);
  await appendFile(file, text.slice(40));
  expect(await idsOf(book)).toEqual(["7-1"]);
});

test("goes on after a rotation, also with what is still written to the old file, and a new one begins with the oldest", async () => {
  const book = open();
  await writeFile(file, begin(1) + begin(2));
  expect(await idsOf(book)).toEqual(["7-1", "7-2"]);
  await rename(file, `${file}.1`);
  await appendFile(`${file}.1`, end(1));
  await writeFile(file, begin(3));
  expect(await idsOf(book)).toEqual(["7-2", "7-3"]);
  await rename(`${file}.1`, `${file}.2`);
  await rename(file, `${file}.1`);
  await writeFile(file, end(2) + begin(4));
  expect(await idsOf(book)).toEqual(["7-3", "7-4"]);
  expect(await idsOf(open())).toEqual(["7-3", "7-4"]);
});

test("a worker with the pid of an earlier one takes its numbers over", async () => {
  await writeFile(file, begin(1) + line(1, "client 192.0.2.9:9 connected to 0.0.0.0:7878"));
  const book = open();
  await book.read();
  expect([...book.sessions()]).toMatchObject([{ id: "7-1", peer: "192.0.2.9:9", local: null }]);
});

test("holds no more than twice what is open, although no end is ever told, and asks seldom", async () => {
  const total = 20_000;
  const few = new Set(Array.from({ length: 700 }, (_, index) => `7-${index * 2}`));
  let asked = 0;
  let most = 0;
  const book = open((sessions) => {
    asked++;
    most = Math.max(most, sessions.length);
    return few;
  });
  const blocks = Array.from({ length: total }, (_, number) => begin(number));
  await writeFile(file, blocks.join(""));
  expect((await idsOf(book)).length).toBeLessThan(2000);
  expect([...book.sessions()].filter(({ id }) => few.has(id))).toHaveLength(few.size);
  // The log is read in blocks, and each holds some hundreds.
  expect(most).toBeLessThan(2500);
  expect(asked).toBeLessThan(total / 500);
});
