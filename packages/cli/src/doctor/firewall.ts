import { judge, type Check } from "./check.js";
import { runQuietly } from "./programs.js";

/** Tables and links of the platform's own begin with these. */
const ownTable = "bloom";
const ownLinks = "bv-";

/** A chain that every packet between the apps and the world goes through. */
interface ForwardChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
}

/** A firewall that drops what is forwarded cuts the instances off; Docker and ufw set one up. Only root sees it. */
export async function checkForwarding(env: NodeJS.ProcessEnv): Promise<Check> {
  const [ruleset, legacy] = await Promise.all([
    runQuietly("nft", ["-j", "list", "ruleset"], env),
    runQuietly("iptables-legacy", ["-S", "FORWARD"], env),
  ]);
  return judgeForwarding(ruleset ?? "", legacy ?? "");
}

/** `ruleset` is what `nft -j list ruleset` prints, `legacy` what `iptables-legacy -S FORWARD` does. */
export function judgeForwarding(ruleset: string, legacy: string): Check {
  const closed = findClosed(ruleset);
  const fixes = closed.flatMap(({ family, table, name }) => [
    `sudo nft insert rule ${family} ${table} ${name} iifname '"${ownLinks}*"' accept`,
    `sudo nft insert rule ${family} ${table} ${name} oifname '"${ownLinks}*"' ct state established,related accept`,
  ]);
  const isLegacyClosed = /^-P FORWARD DROP$/m.test(legacy) && !legacy.includes(` ${ownLinks}`);
  if (isLegacyClosed) {
    fixes.push(
      `sudo iptables-legacy -I FORWARD -i ${ownLinks}+ -j ACCEPT`,
      `sudo iptables-legacy -I FORWARD -o ${ownLinks}+ -m state --state ESTABLISHED,RELATED -j ACCEPT`,
    );
  }
  const chains = closed.map(({ family, table, name }) => `${family} ${table} ${name}`);
  const where = [...chains, ...(isLegacyClosed ? ["iptables-legacy FORWARD"] : [])].join(", ");
  const found =
    fixes.length === 0
      ? "nothing drops what instances send"
      : `${where} drops what is forwarded: instances reach nothing outside`;
  return judge("firewall", fixes.length === 0, found, fixes.join(" && "), true);
}

/** Chains of others that drop what no rule names, and have no rule for our links. */
function findClosed(ruleset: string): ForwardChain[] {
  const items = parseItems(ruleset);
  const allowed = new Set(
    items.flatMap(({ rule }) =>
      rule !== undefined && JSON.stringify(rule).includes(`"${ownLinks}*"`)
        ? [placeOf(rule, rule["chain"])]
        : [],
    ),
  );
  return items.flatMap(({ chain }) => {
    const isClosed = chain?.["hook"] === "forward" && chain["policy"] === "drop";
    if (chain === undefined || !isClosed || String(chain["table"]).startsWith(ownTable)) return [];
    if (!["ip", "inet"].includes(String(chain["family"])) || allowed.has(placeOf(chain, chain["name"])))
      return [];
    return [{ family: String(chain["family"]), table: String(chain["table"]), name: String(chain["name"]) }];
  });
}

type Item = Readonly<Partial<Record<"chain" | "rule", Readonly<Record<string, unknown>>>>>;

function parseItems(text: string): readonly Item[] {
  try {
    const { nftables } = JSON.parse(text) as { nftables?: unknown };
    return Array.isArray(nftables) ? (nftables as Item[]) : [];
  } catch {
    return [];
  }
}

function placeOf(of: Readonly<Record<string, unknown>>, chain: unknown): string {
  return [of["family"], of["table"], chain].join(" ");
}
