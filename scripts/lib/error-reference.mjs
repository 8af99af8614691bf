const head = `# Errors

Every failure has a code that is never renamed. It is in the message, in \`--json\` output
(\`{"error":{"code","message","hint","where","details"}}\`) and in the API's answers. The code decides the HTTP
status and the exit code of the CLI.

This page is generated from \`packages/contract/src/errors/\`.

| code | HTTP | exit | when | what to do |
| --- | --- | --- | --- | --- |
`;

/** docs/errors.md: one row per code, in the order of the catalogue. */
export function renderErrorReference(catalog) {
  const rows = Object.entries(catalog).map(([code, { status, exit, when, hint }]) =>
    [`\`${code}\``, status, exit, when, hint].map((cell) => String(cell).replaceAll("|", "\\|")).join(" | "),
  );
  return `${head}${rows.map((row) => `| ${row} |\n`).join("")}`;
}
