import { expect, test } from "vitest";
import { readWords } from "../../src/prefork/read-words.js";

test("all words go to the host as they are, and its library is built", () => {
  const args = ["app.ini:live", "--http-socket", ":80", "--", "x"];
  expect(readWords(args, true)).toEqual({ words: args, builds: true });
});

test("--no-build is ours, wherever it stands", () => {
  expect(readWords(["app.ini", "--no-build", "-p", "2"], true)).toEqual({
    words: ["app.ini", "-p", "2"],
    builds: false,
  });
  expect(readWords(["app.ini"], false).builds).toBe(false);
});

test.each(["--check", "--show-config", "--show-config=json", "--help", "-h", "--version"])(
  "nothing is built for %s, which serves nothing",
  (word) => {
    expect(readWords(["app.ini", word], true)).toEqual({ words: ["app.ini", word], builds: false });
  },
);

test("an option that only begins like one of these is another one", () => {
  expect(readWords(["app.ini", "--check-static", "/srv"], true).builds).toBe(true);
});
