import fc from "fast-check";
import { expect, test } from "vitest";
import { planAppUser } from "../../src/run/plan-user.js";
import { createStandbyUsers } from "../../src/run/standby-users.js";

test("however they come and go, two that live have never the same user", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("take" as const) }),
    fc.record({ kind: fc.constantFrom("free" as const, "again" as const), index: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const users = createStandbyUsers(1_000_000);
      const lent: ReturnType<typeof users.take>[] = [];
      const gone: ReturnType<typeof users.take>[] = [];
      for (const one of steps) {
        if (one.kind === "take") lent.push(users.take());
        else if (one.kind === "free") {
          const [user] = lent.splice(one.index, 1);
          if (user !== undefined) gone.push(user);
          users.free(user ?? null);
        }
        // Told a second time, when another may have it already.
        else users.free(gone[one.index] ?? null);
        expect(new Set(lent.map(({ uid }) => uid)).size).toBe(lent.length);
      }
    }),
  );
});

test("what an earlier daemon lent is not lent again, and no app's account ever", () => {
  const users = createStandbyUsers(1_000_000);
  const first = users.take();
  const later = createStandbyUsers(1_000_000);
  later.keep({ ...first });
  later.keep(null);
  expect(later.take().uid).not.toBe(first.uid);
  expect(first.uid).toBeGreaterThan(planAppUser(1_000_000, 39_999).uid);
  expect(first.uid).toBeLessThan(1_100_000);
});
