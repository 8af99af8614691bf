/**
 * The arrow: a stage of the daemon may import from the stages before it, never from a later one.
 * `.oxlintrc.json` is generated from this file (`npm run docs`), because a lint override replaces the
 * rule of the one before it, so that every folder has to repeat what holds for all.
 */
const arrow = ["config", "build", "release", "run", "route", "observe"];

/** Folders that see the whole arrow; no stage may import them. */
const above = ["deploy", "api"];

const daemon = "packages/daemon/src";

const noShells = {
  name: "node:child_process",
  importNames: ["exec", "execSync"],
  message: "A shell would read the string; use spawn or execFile with an argument array.",
};

/** Rules of the categories below that complain about good code more often than about bad. */
const tooEager = [
  "no-await-in-loop", // steps that must follow one another are the rule here
  "typescript/no-unsafe-type-assertion", // the edge checks with a schema, then says the type
  "typescript/no-unnecessary-type-parameters",
  "typescript/consistent-return", // tsc knows which functions return
  "unicorn/consistent-function-scoping",
  "typescript/unbound-method", // our objects are records of functions and use no `this`
  "unicorn/no-array-sort", // sorting or reversing a list one has just made is fine
  "unicorn/no-array-reverse",
  "unicorn/no-useless-spread", // groups the words of one option in a long argument list
  "eslint/no-unmodified-loop-condition", // the condition changes while the loop awaits
  "promise/always-return",
  "oxc/no-map-spread",
  "import/no-named-as-default-member", // pg is CommonJS and has to be imported whole
  "vitest/no-conditional-tests", // some tests need root, or a database that is not everywhere
  "vitest/no-conditional-expect",
  "vitest/no-disabled-tests",
  "vitest/valid-title",
  "vitest/require-to-throw-message",
];

/** What holds for one folder besides what holds everywhere. */
function planFolders() {
  return [
    ...arrow.map((stage, position) =>
      forbidInDaemon(
        stage,
        [...arrow.slice(position + 1), ...above],
        `${stage} comes earlier on the arrow ${arrow.join(" -> ")}: tell later stages through a callback.`,
      ),
    ),
    forbidInDaemon("store", [...arrow, ...above], "The store imports only @bloomery/contract and itself."),
    forbidInDaemon("deploy", ["api"], "Only the daemon's root imports the API."),
    restrict("packages/contract/src/**", [
      {
        regex:
          "^(@bloomery/|node:(fs|net|tls|https?|http2|dgram|dns|os|process|child_process|worker_threads))",
        message: "The contract does no I/O and depends on no other package.",
      },
    ]),
    restrict("packages/cli/src/**", [
      {
        regex: "(^|/)daemon/(src|dist)/",
        message: "The CLI imports @bloomery/daemon/config and /main; all else goes through the API.",
      },
    ]),
  ];
}

function forbidInDaemon(folder, forbidden, message) {
  const patterns = [
    { regex: `^(\\.\\./)+(src/)?(${forbidden.join("|")})/`, message },
    {
      regex: "^(\\.\\./)+(src/)?(daemon|main)\\.js$",
      message: "Nothing below the composition root imports it.",
    },
  ];
  if (folder !== "run") {
    patterns.push({
      regex: "^(\\.\\./)+(src/)?run/engines/(local|kubernetes)",
      message: "Only run/ and the composition root know which engine is in use; engine.js has the interface.",
    });
  }
  return restrict(`${daemon}/${folder}/**`, patterns);
}

function restrict(files, patterns) {
  return { files: [files], rules: { "no-restricted-imports": ["error", { paths: [noShells], patterns }] } };
}

/** The whole lint configuration. */
export function planLintConfig() {
  return {
    $schema: "./node_modules/oxlint/configuration_schema.json",
    plugins: ["eslint", "typescript", "unicorn", "oxc", "import", "promise", "node", "vitest"],
    categories: { correctness: "error", suspicious: "error", perf: "error" },
    env: { node: true, es2024: true },
    ignorePatterns: ["**/dist/**", "**/target/**", "fixtures/**", "examples/**", "coverage/**"],
    rules: {
      "no-restricted-imports": ["error", { paths: [noShells] }],
      eqeqeq: "error",
      "vitest/valid-expect": ["error", { maxArgs: 2 }], // the second is the message
      "max-lines": ["error", { max: 300 }],
      "no-console": "off",
      "typescript/no-explicit-any": "error",
      "typescript/no-floating-promises": "error",
      "typescript/no-misused-promises": "error",
      "typescript/await-thenable": "error",
      "typescript/consistent-type-imports": "error",
      "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "import/no-cycle": "error",
      ...Object.fromEntries(tooEager.map((rule) => [rule, "off"])),
    },
    overrides: [
      ...planFolders(),
      // Node's own test runner keeps track of the promises that `test` returns.
      { files: ["scripts/test/**"], rules: { "typescript/no-floating-promises": "off" } },
    ],
  };
}
