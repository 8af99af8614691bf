import { pick } from "./counts.mjs";
import { summarize, wrk } from "./platform.mjs";

const rounds = pick(5, 1);
const duration = pick(4, 1);

/**
 * Full load on our edge and on a hand-written nginx, in turn: requests per second of both and the ratios of each
 * round, as a row of the published table. Without `isTarget` the number is only told. `script` is wrk's.
 */
export async function compareEdges({ what, peer, host, script, isTarget = true, wanted = 0.95, ...at }) {
  const { path, httpPort, peerPort, peerPath = path } = at;
  const ours = `http://127.0.0.1:${httpPort}${path}`;
  const theirs = `http://127.0.0.1:${peerPort}${peerPath}`;
  const [perSecond, peerPerSecond, ratios] = [[], [], []];
  let failed = 0;
  for (const url of [ours, theirs]) await wrk(url, host, 1, { script });
  for (let round = 0; round < rounds; round++) {
    const a = await wrk(ours, host, duration, { script });
    const b = await wrk(theirs, host, duration, { script });
    failed += a.failed + b.failed;
    perSecond.push(a.perSecond);
    peerPerSecond.push(b.perSecond);
    ratios.push(a.perSecond / b.perSecond);
  }
  const ratio = summarize(ratios);
  const [own, other] = [perSecond, peerPerSecond].map((values) => Math.round(summarize(values).median));
  return {
    what,
    peer,
    result: `${ratio.median.toFixed(3)} × (${own}/s beside ${other}/s)`,
    target: isTarget ? `≥ ${wanted} ×` : "none",
    met: failed === 0 && (!isTarget || ratio.median >= wanted),
    ratio,
    perSecond: summarize(perSecond),
    peerPerSecond: summarize(peerPerSecond),
    failed,
  };
}
