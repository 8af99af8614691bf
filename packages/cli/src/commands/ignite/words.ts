import { formatAge } from "../../output/table.js";

const prefixes =
  /^(?:DEPLOYMENT_STATE|VERSION_STATUS|DRAFT_STATUS|EXECUTION_STATUS|EXECUTION_KIND|RESOURCE_TIER|AUTO_MODE|CODE_KIND)_/;

/** `EXECUTION_STATUS_TIMED_OUT` → `timed_out`: the wire's words are long. */
export function plainWord(word: string): string {
  return word.replace(prefixes, "").toLowerCase();
}

/** Unix milliseconds as the wire has them; 0 is never. */
export function formatMoment(ms: string): string {
  return ms === "0" ? "-" : formatAge(new Date(Number(ms)).toISOString());
}

/** `12.3 ms`, `4.2 s`. */
export function formatSpan(ms: number): string {
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(1)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}
