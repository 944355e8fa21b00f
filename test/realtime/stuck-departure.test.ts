import type { Backend } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { answerNext } from "../users/support.ts";
import { connect, places, serve } from "./support.ts";

// Once, a connection whose departure got no answer stayed registered as long as its node was alive.
describe.each(places)("on $place, a departure whose answer does not come", ({ open }) => {
  test.each<[string, (answered: unknown) => unknown]>([
    ["is never answered", () => new Promise(() => {})],
    ["is answered too late", (answered) => new Promise((resolve) => setTimeout(resolve, 600, answered))],
  ])("and %s is repeated, and the user is reported offline once", async (_how, answer) => {
    const backend: Backend = await open();
    const offline: string[] = [];
    const served = await serve({
      backend,
      session: { timeoutMs: 300 },
      realtime: { graceMs: 0 },
      setUp: (chat) => chat.on("offline", (userId) => offline.push(userId)),
    });
    const { ws } = await connect(served, "ada");
    answerNext(backend.registry, "depart", answer);
    ws.close();
    await eventually(async () => expect(await backend.registry.ofUser("ada")).toEqual([]), {
      withinMs: 10_000,
    });
    // After a lost answer nobody knows which call took the user offline.
    if (String(_how).includes("late")) await eventually(() => expect(offline).toEqual(["ada"]));
    expect(offline.length).toBeLessThanOrEqual(1);
  });
});
