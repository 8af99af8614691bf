import { PlaceMap, type Place } from "./source.js";
import { TomlScanner, type KeyPart } from "./toml-scanner.js";

type Path = readonly (string | number)[];

/**
 * Where every key and value of a TOML text stands; the parser in use says so only for errors. The text has been
 * parsed before, so this only follows it and needs no checks of its own; on anything odd it stops.
 */
export function locateToml(text: string): PlaceMap {
  const locator = new Locator(text);
  locator.run();
  return locator.places;
}

class Locator {
  readonly places = new PlaceMap();
  readonly #scanner: TomlScanner;
  /** How many tables each array of tables has so far, by its path. */
  readonly #counts = new Map<string, number>();
  #table: Path = [];

  constructor(text: string) {
    this.#scanner = new TomlScanner(text);
  }

  run(): void {
    const scanner = this.#scanner;
    for (;;) {
      scanner.skipBlank();
      if (scanner.isAtEnd()) return;
      const before = scanner.offset;
      if (scanner.peek() === "[") this.#header();
      else this.#pair(this.#table);
      // Nothing was understood: better no places than no end.
      if (scanner.offset === before) return;
    }
  }

  /** `[a.b]` or `[[a.b]]`. */
  #header(): void {
    const scanner = this.#scanner;
    const isArray = scanner.take("[[");
    if (!isArray) scanner.take("[");
    const parts = scanner.readKey();
    scanner.take(isArray ? "]]" : "]");
    const path: (string | number)[] = [];
    for (const [index, part] of parts.entries()) {
      path.push(part.text);
      this.#mark(path, part.place, part.place);
      const name = JSON.stringify(path);
      const count = this.#counts.get(name);
      if (isArray && index === parts.length - 1) {
        this.#counts.set(name, (count ?? 0) + 1);
        path.push(count ?? 0);
        this.#mark(path, part.place, part.place);
      } else if (count !== undefined) {
        path.push(count - 1);
      }
    }
    this.#table = path;
  }

  /** `a.b = value`, in a table or between braces. */
  #pair(table: Path): void {
    const scanner = this.#scanner;
    const parts = scanner.readKey();
    scanner.skipSpaces();
    if (parts.length === 0 || !scanner.take("=")) return;
    scanner.skipSpaces();
    const value = scanner.place();
    const path = this.#markKeys(table, parts, value);
    this.#value(path);
  }

  #markKeys(table: Path, parts: readonly KeyPart[], value: Place): Path {
    const path = [...table, ...parts.map(({ text }) => text)];
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1;
      this.#mark(path.slice(0, table.length + index + 1), part.place, isLast ? value : part.place);
    }
    return path;
  }

  #value(path: Path): void {
    const scanner = this.#scanner;
    const first = scanner.peek();
    if (first === "[") this.#list(path);
    else if (first === "{") this.#inlineTable(path);
    else if (first === '"' || first === "'") scanner.readString();
    else this.places.setText(path, scanner.readBare());
  }

  #list(path: Path): void {
    const scanner = this.#scanner;
    scanner.take("[");
    for (let index = 0; ; index++) {
      scanner.skipBlank();
      if (scanner.take("]") || scanner.isAtEnd()) return;
      const place = scanner.place();
      const before = scanner.offset;
      this.#mark([...path, index], place, place);
      this.#value([...path, index]);
      scanner.skipBlank();
      scanner.take(",");
      if (scanner.offset === before) return;
    }
  }

  #inlineTable(path: Path): void {
    const scanner = this.#scanner;
    scanner.take("{");
    for (;;) {
      scanner.skipBlank();
      if (scanner.take("}") || scanner.isAtEnd()) return;
      const before = scanner.offset;
      this.#pair(path);
      scanner.skipBlank();
      scanner.take(",");
      if (scanner.offset === before) return;
    }
  }

  /** The first mention counts: `[a]` after `[a.b]` is the same table. */
  #mark(path: Path, key: Place, value: Place): void {
    if (!this.places.has(path)) this.places.set(path, { key, value });
  }
}
