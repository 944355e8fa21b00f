import type { Backend } from "../../../lib/index.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { next, places, type Served, serve } from "../support.ts";
import { type Client, clientOf, type Kept, loseMessages, numbers } from "./support.ts";

interface Deaf {
  served: Served;
  backend: Backend;
  clock: FakeClock;
  /** Whether the node hears the bus. */
  line: { isDeaf: boolean };
  ada: Client;
  say(n: number): Promise<void>;
}

/** A node that can lose what the bus sends, without a sign. */
describe.each(places)("a node on $place that does not hear its bus", ({ open }) => {
  async function deafNode(history: object = {}): Promise<Deaf> {
    const backend = await open();
    const line = loseMessages(backend, (message) => message.startsWith("kept "));
    const clock = new FakeClock();
    const served = await serve({ backend, realtime: { history, clock, inactivityThresholdSeconds: 10_000 } });
    await served.chat.join("ada", "room");
    const ada = await clientOf(served, "ada");
    const say = (n: number) => served.chat.group("room").send("said", { n });
    return { served, backend, clock, line, ada, say };
  }

  const read = async ({ ws }: Client, count: number): Promise<Kept[]> => {
    const messages: Kept[] = [];
    while (messages.length < count) messages.push((await next(ws)) as never);
    return messages;
  };

  test("reads what it has missed before the next message, and delivers it in order, once", async () => {
    const { served, line, ada, say } = await deafNode();
    await say(1);
    expect(numbers(await read(ada, 1))).toEqual([1]);
    line.isDeaf = true;
    for (const n of [2, 3, 4]) await say(n);
    line.isDeaf = false;
    await Promise.all([5, 6, 7].map(say));
    const heard = await read(ada, 6);
    expect(heard.map(({ offset }) => offset)).toEqual([2, 3, 4, 5, 6, 7]);
    expect(numbers(heard)).toEqual([2, 3, 4, 5, 6, 7]);
    expect(served.chat.stats().history).toMatchObject({ lost: 0 });
    expect(served.chat.stats().history?.filled).toBeGreaterThanOrEqual(3);
  });

  test("finds out that it has missed something without a next message", async () => {
    const { clock, line, ada, say } = await deafNode();
    line.isDeaf = true;
    for (const n of [1, 2]) await say(n);
    const heard = read(ada, 2);
    let isHeard = false;
    void heard.then(() => {
      isHeard = true;
    });
    await eventually(() => {
      clock.advance(1_000);
      expect(isHeard).toBe(true);
    });
    expect(numbers(await heard)).toEqual([1, 2]);
  });

  test("tells what is lost for good, and goes on behind it", async () => {
    const { served, line, ada, say } = await deafNode({ maxMessages: 2 });
    line.isDeaf = true;
    for (const n of [1, 2, 3]) await say(n);
    line.isDeaf = false;
    await say(4);
    const [lost] = await read(ada, 1);
    expect(lost).toMatchObject({ event_type: "session.lost", data: { channel: "group:room", offset: 4 } });
    await say(5);
    expect(await read(ada, 1)).toMatchObject([{ data: { n: 5 }, offset: 5 }]);
    expect(served.chat.stats().history).toMatchObject({ lost: 1 });
  });

  test("tells that a history is lost that began anew", async () => {
    const { backend, clock, ada, say } = await deafNode();
    await say(1);
    await read(ada, 1);
    const [before] = (await backend.history?.positions(["group:room"])) ?? [];
    await backend.history?.renew("group:room", before?.epoch ?? "");
    const told = read(ada, 1);
    let isTold = false;
    void told.then(() => {
      isTold = true;
    });
    await eventually(() => {
      clock.advance(1_000);
      expect(isTold).toBe(true);
    });
    const [lost] = await told;
    expect(lost).toMatchObject({ event_type: "session.lost", data: { channel: "group:room", offset: 1 } });
    expect(lost?.data.epoch).not.toBe(before?.epoch);
    await say(2);
    expect(await read(ada, 1)).toMatchObject([{ data: { n: 2 }, offset: 2 }]);
  });
});
