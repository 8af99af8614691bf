import { z } from "zod";
import type { NetworkBlock } from "./plan-block.js";
import type { OpenPort } from "./plan-ruleset.js";
import { tryTool } from "./run-tool.js";

/** What the sets and the map of a block's table hold. */
export interface TableContent {
  /** Stable address → instance address. */
  readonly current: ReadonlyMap<string, string>;
  readonly open: readonly OpenPort[];
  readonly outbound: readonly string[];
}

const concat = z.object({ concat: z.tuple([z.string(), z.number()]) });
const openElement = z.union([
  concat.transform(({ concat: [address, port] }) => ({ address, port, label: "" })),
  z.object({ elem: z.object({ val: concat, comment: z.string().optional() }) }).transform(({ elem }) => ({
    address: elem.val.concat[0],
    port: elem.val.concat[1],
    label: elem.comment ?? "",
  })),
]);

/** Whether the table is there, and still refuses anything: somebody may have deleted or emptied it. Cheap. */
export async function checkTable(block: NetworkBlock): Promise<"whole" | "empty" | "gone"> {
  const text = await tryTool("nft", ["list", "chain", "ip", block.table, "forward"]);
  if (text === undefined) return "gone";
  return text.includes("reject") ? "whole" : "empty";
}

/** Reads the table from the kernel; undefined when it does not exist (somebody flushed the rules). */
export async function readTable(block: NetworkBlock): Promise<TableContent | undefined> {
  const text = await tryTool("nft", ["-j", "list", "table", "ip", block.table]);
  if (text === undefined) return undefined;
  const document = z.object({ nftables: z.array(z.record(z.string(), z.unknown())) }).parse(JSON.parse(text));
  const elementsOf = (name: string): unknown => {
    for (const item of document.nftables) {
      const holder = z.object({ name: z.string(), elem: z.unknown() }).safeParse(item["map"] ?? item["set"]);
      if (holder.success && holder.data.name === name) return holder.data.elem ?? [];
    }
    return [];
  };
  return {
    current: new Map(z.array(z.tuple([z.string(), z.string()])).parse(elementsOf("current"))),
    open: z.array(openElement).parse(elementsOf("open")),
    outbound: z.array(z.string()).parse(elementsOf("outbound")),
  };
}
