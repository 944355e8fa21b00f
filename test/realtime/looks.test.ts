import { CatchUp, type CatchUpParts } from "../../lib/realtime/catch-up.ts";

// Once, the first 1,200 connections of a node were read again and again, and the others never.
test("the groups of each connection are read regularly, however many connections there are", async () => {
  let now = 0;
  const restored = new Set<object>();
  const connections = new Map(
    Array.from({ length: 1_500 }, (_, n) => [
      `${n}`,
      { userId: `u${n}`, connectedAt: 0, lookAt: 0, isGone: false },
    ]),
  );
  const parts = {
    connections,
    clock: { now: () => now },
    groups: { restore: async (connection: object) => void restored.add(connection) },
    channels: { deliverHeld() {} },
  };
  const catchUp = new CatchUp(parts as unknown as CatchUpParts);
  for (let seconds = 0; seconds < 150; seconds++) {
    now = seconds * 1_000;
    await catchUp.run();
  }
  expect(restored.size).toBe(1_500);
});
