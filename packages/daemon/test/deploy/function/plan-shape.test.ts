import { expect, test } from "vitest";
import { completeConfig, type FunctionConfig } from "@bloomery/contract";
import { assertSchemas, planShapeFor } from "../../../src/deploy/function/plan-shape.js";

const make = (own: Partial<FunctionConfig> | null) => completeConfig({ web: { start: "x" }, function: own });
const plan = planShapeFor({ folder: "/up", asksAuthority: true });
const shapeOf = (own: Partial<FunctionConfig> | null) => plan({ slot: 3, config: make(own) });

test("a web app is none", () => {
  expect(shapeOf(null)).toEqual({ shape: "web", function: null });
});

test("a function is for bearers, unless it says otherwise", () => {
  expect(shapeOf({ timeoutSeconds: 7 })).toEqual({
    shape: "function",
    function: { access: { kind: "bearer", authority: "/up/authority.sock" }, timeoutSeconds: 7, gate: null },
  });
  expect(shapeOf({ allowUnauthenticated: true }).function?.access).toEqual({ kind: "anyone" });
});

test("where nginx cannot ask, a function for bearers is refused", () => {
  const without = planShapeFor({ folder: "/up", asksAuthority: false });
  expect(without({ slot: 3, config: make({}) }).function?.access).toEqual({ kind: "refused" });
  const open = { slot: 3, config: make({ allowUnauthenticated: true }) };
  expect(without(open).function?.access).toEqual({ kind: "anyone" });
});

test("only functions with schemas have a gate", () => {
  expect(shapeOf({ inputSchema: {} }).function?.gate).toEqual({ socket: "/up/gate-3.sock", answers: false });
  expect(shapeOf({ outputSchema: {} }).function?.gate).toEqual({ socket: "/up/gate-3.sock", answers: true });
});

test("a schema that is none does not go live", () => {
  expect(() => assertSchemas(make(null))).not.toThrow();
  expect(() => assertSchemas(make({ inputSchema: {}, outputSchema: { type: "string" } }))).not.toThrow();
  expect(() => assertSchemas(make({ inputSchema: { type: "text" } }))).toThrow(/^the input schema/);
  expect(() => assertSchemas(make({ outputSchema: "no" }))).toThrow(/^the output schema/);
});
