import { BloomError, formatProblem, type Problem } from "@bloomery/contract";

/** Something in a function's code that must be written otherwise. */
export type CodeProblem = Pick<Problem, "file" | "line" | "column" | "message">;

/** Throws ERR_MANIFEST_INVALID with all of them, if there are any. */
export function assertNoProblems(found: readonly CodeProblem[]): void {
  const problems = found.map((one): Problem => ({ severity: "error", path: "", ...one }));
  const [first] = problems;
  if (first === undefined) return;
  const { file, line, column } = first;
  throw new BloomError("ERR_MANIFEST_INVALID", problems.map(formatProblem).join("\n"), {
    where: { file, line, column },
    hint: "Correct the places listed and send the code again.",
    details: { problems },
  });
}
