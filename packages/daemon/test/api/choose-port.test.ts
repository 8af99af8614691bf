import { describe, expect, test } from "vitest";
import { completeConfig } from "@bloomery/contract";
import { choosePort } from "../../src/api/choose-port.js";

describe("choosePort", () => {
  const port = (config: Parameters<typeof completeConfig>[0], wanted?: number): number | null =>
    choosePort(completeConfig(config), "shop", wanted);
  const web = { start: "true" };
  const two = { web, tcp: { ports: [{ port: 9000, targetPort: 7878 }, { port: 9001 }] } };

  test("takes the only one, or the one that is named by either number", () => {
    expect(port({ web, tcp: { ports: [{ port: 9000, targetPort: 7878 }] } })).toBe(7878);
    expect([9000, 7878, 9001].map((wanted) => port(two, wanted))).toEqual([7878, 7878, 9001]);
    expect([port({ web: { ...web, port: 8123 } }), port({ web: { ...web, port: 8123 } }, 8123)]).toEqual([
      8123, 8123,
    ]);
    expect(port({ web, function: {} })).toBeNull();
    expect(port({ web: { ...web, upstream: { socketFamily: "unix" } } as never })).toBeNull();
  });

  test("says what there is", () => {
    expect(() => port(two)).toThrow("shop has several ports: 9000 (7878 inside), 9001");
    expect(() => port(two, 5)).toThrow("shop does not listen on port 5");
    expect(() => port({ web, function: {} }, 5)).toThrow("shop does not listen on port 5");
    expect(() => port({ web, tcp: { ports: [] } })).toThrow("no port of shop is known yet");
  });
});
