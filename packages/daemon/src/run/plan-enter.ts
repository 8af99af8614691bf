import { controlProtocol, type EnterSpec } from "@bloomery/contract";
import type { CommandOrder } from "./engines/engine.js";
import type { InstanceRecord } from "./engines/instance-record.js";
import { planCommand } from "./plan-command.js";

/** The order for a further command in the sandbox of an instance, with that instance's user and limits. */
export function planEnter(
  order: CommandOrder,
  facts: {
    readonly record: InstanceRecord;
    /** A process of the instance, as the host sees it. */
    readonly pid: number;
    /** The environment of its release. */
    readonly env: Readonly<Record<string, string>>;
  },
): EnterSpec {
  const { record } = facts;
  return {
    protocol: controlProtocol,
    id: record.id,
    pid: facts.pid,
    command: planCommand(order.command),
    env: {
      ...facts.env,
      ...record.variables,
      ...(order.tty === null ? {} : { TERM: "xterm-256color" }),
      ...order.env,
    },
    cwd: "/app",
    user: record.user,
    cgroups: [...record.cgroups],
    rlimits: record.rlimits,
    seccomp: true,
    tty: order.tty === null ? null : { rows: order.tty.rows, cols: order.tty.cols },
  };
}
