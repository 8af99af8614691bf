import { exitCodes, type ignite } from "@bloomery/contract";

const byHttpStatus: Readonly<Record<number, number>> = {
  401: exitCodes.unauthenticated,
  403: exitCodes.forbidden,
  404: exitCodes.notFound,
  408: exitCodes.deadline,
  409: exitCodes.conflict,
  429: exitCodes.limit,
  504: exitCodes.deadline,
};

/** Exit code for what a function answered: 0 below 400, otherwise by the kind of refusal. */
function exitOfStatus(status: number): number {
  if (status < 400) return exitCodes.ok;
  return byHttpStatus[status] ?? (status < 500 ? exitCodes.usage : exitCodes.failure);
}

/** Exit code for how an execution ended; one that has not ended yet is no failure. */
export function exitOfExecution(status: ignite.ExecutionStatusName, httpStatus: number | undefined): number {
  switch (status) {
    case "EXECUTION_STATUS_TIMED_OUT":
      return exitCodes.deadline;
    case "EXECUTION_STATUS_CANCELLED":
      return exitCodes.interrupted;
    case "EXECUTION_STATUS_FAILED":
      return exitOfStatus(httpStatus ?? 500) || exitCodes.failure;
    default:
      return exitOfStatus(httpStatus ?? 200);
  }
}
