import { expect, describe, it } from "vitest";
import type { EndedExecution, ExecutionEnd } from "../../../src/store/execution-queue.js";
import type { FinishedExecution } from "../../../src/store/take-in-executions.js";
import { createSample } from "../samples.js";
import type { StoreTest } from "./describe-store.js";

const end: ExecutionEnd = {
  ...{ state: "succeeded", version: 2, instanceId: "i-1", httpStatus: 200, cold: true, startUs: 5 },
  ...{ runUs: 6, responseBytes: 7, error: null },
};

export function describeExecutionQueue(test: StoreTest): void {
  describe("the queue of executions", () => {
    const enqueue = async (environmentId: string, id: string, attempts = 2) => {
      const wish = {
        id,
        environmentId,
        kind: "async",
        version: 1,
        attempts,
        request: id,
        requestBytes: 3,
      } as const;
      await test.store.executionQueue.enqueue(wish);
    };

    it("goes from waiting to running to its end, and again where it has failed", async () => {
      const { executionQueue: queue, executions } = test.store;
      const { environment } = await createSample(test.store);
      await enqueue(environment.id, "x-1");
      expect(await queue.get("x-1")).toMatchObject({
        ...{ kind: "async", state: "queued", attempt: 0, attempts: 2, request: "x-1", finishedAt: null },
      });
      await expect(enqueue(environment.id, "x-1")).rejects.toMatchObject({ code: "ERR_ALREADY_EXISTS" });
      await expect(enqueue("env-none", "x-2")).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });

      expect(await queue.claim("x-1", 40)).toMatchObject({ state: "running", attempt: 1, httpStatus: null });
      const due = new Date("2030-01-01T00:00:00.000Z");
      expect(await queue.requeue("x-1", "no tea", due)).toBe(true);
      expect(await queue.get("x-1")).toMatchObject({
        ...{ state: "queued", error: "no tea", finishedAt: null, dueAt: "2030-01-01T00:00:00.000Z" },
      });
      expect(await queue.claim("x-1", 50)).toMatchObject({
        ...{ state: "running", attempt: 2, error: null, dueAt: null },
      });
      expect(await executions.get("x-1")).not.toHaveProperty("dueAt");
      expect(await queue.finish("x-1", end)).toBe(true);
      expect(await executions.get("x-1")).toMatchObject({
        ...{ ...end, attempt: 2, queueUs: 50, requestBytes: 3, finishedAt: expect.any(String) },
      });
      expect(await queue.claim("x-none", 0)).toBeUndefined();
      expect(await queue.finish("x-none", end)).toBe(false);
    });

    it("lists what has not ended in the order it came, without what others run", async () => {
      const { executionQueue: queue, executions } = test.store;
      const { environment } = await createSample(test.store);
      for (const id of ["x-3", "x-1", "x-2"]) await enqueue(environment.id, id);
      await executions.create({ id: "x-0", environmentId: environment.id, kind: "direct", version: 1 });
      await queue.claim("x-1", 0);
      await queue.close("x-2", "cancelled", "by ada");
      expect((await queue.listUnfinished()).map(({ id, state }) => [id, state])).toEqual([
        ["x-3", "queued"],
        ["x-1", "running"],
      ]);
      expect(await queue.get("x-2")).toMatchObject({ state: "cancelled", error: "by ada" });
      const ids = Array.from({ length: 1200 }, (_, n) => `x-${n}`);
      expect([...(await queue.listKnown(ids))].toSorted()).toEqual(["x-0", "x-1", "x-2", "x-3"]);
    });

    it("takes in what ended without a row, before or after the function tells of it", async () => {
      const { executionQueue: queue, executions } = test.store;
      const { environment } = await createSample(test.store);
      const times = { createdAt: "2026-01-01T00:00:00.000Z", finishedAt: "2026-01-01T00:00:01.000Z" };
      const told: Omit<FinishedExecution, "id"> = {
        ...{ ...times, environmentId: environment.id, kind: "direct", version: 2, instanceId: "i-9" },
        ...{ state: "succeeded", httpStatus: 200, cold: false, queueUs: 8, startUs: 0, runUs: 99 },
        ...{ requestBytes: 1, responseBytes: 2, error: "as told" },
      };
      const own: Omit<EndedExecution, "id"> = {
        ...{ ...times, ...end, environmentId: environment.id, kind: "invoke", requestBytes: 1 },
        ...{ state: "cancelled", request: "x-1", error: null },
      };
      await executions.takeIn([{ ...told, id: "x-1" }]);
      await queue.takeInEnded([
        { ...own, id: "x-1" },
        { ...own, id: "x-2", error: "by ada" },
      ]);
      await executions.takeIn([{ ...told, id: "x-2" }]);
      await queue.takeInEnded([]);
      expect(await executions.get("x-1")).toMatchObject({
        ...{ kind: "invoke", state: "cancelled", runUs: 99, queueUs: 8, instanceId: "i-9", request: "x-1" },
        ...{ error: "as told", startUs: 5 },
      });
      expect(await executions.get("x-2")).toMatchObject({
        kind: "invoke",
        state: "cancelled",
        error: "by ada",
      });
    });

    it("is told how an attempt ended that ran while nobody watched", async () => {
      const { executionQueue: queue, executions } = test.store;
      const { environment } = await createSample(test.store);
      await enqueue(environment.id, "x-1", 3);
      await queue.claim("x-1", 0);
      const at = new Date().toISOString();
      const { startUs, ...rest } = end;
      await executions.takeIn([
        {
          ...{ ...rest, id: "x-1", environmentId: environment.id, kind: "direct", queueUs: 0, startUs },
          ...{ requestBytes: 0, createdAt: at, finishedAt: at },
        },
      ]);
      expect(await queue.get("x-1")).toMatchObject({ state: "running", httpStatus: 200, finishedAt: null });
    });

    it("judges itself what it has left", async () => {
      const { executionQueue: queue, executions } = test.store;
      const { environment } = await createSample(test.store);
      const at = new Date().toISOString();
      const told = (id: string, httpStatus: number | null, state: "failed" | "cancelled") => ({
        ...{ ...end, id, state, httpStatus, environmentId: environment.id, kind: "direct" as const },
        ...{ queueUs: 0, requestBytes: 0, createdAt: at, finishedAt: at },
      });
      for (const id of ["x-left", "x-exited"]) {
        await enqueue(environment.id, id, 1);
        await queue.claim(id, 0);
      }
      await executions.takeIn([told("x-left", 499, "cancelled"), told("x-exited", null, "failed")]);
      expect(await queue.get("x-left")).toMatchObject({
        state: "running",
        httpStatus: 499,
        finishedAt: null,
      });
      expect(await queue.get("x-exited")).toMatchObject({ state: "failed", finishedAt: at });
    });
  });
}
