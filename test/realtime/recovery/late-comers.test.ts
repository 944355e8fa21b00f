import { FakeClock } from "../../support/fake-clock.ts";
import { next, places, type Served, send, serve } from "../support.ts";
import { askHistory, type Client, clientOf, comeIn, loseMessages, numbers } from "./support.ts";

/** Regression: a node that had missed messages gave them to whoever was in the channel by the time it read them. */
describe.each(places)("a client of a node on $place that has missed messages", ({ open }) => {
  async function deafNode(): Promise<{
    served: Served;
    line: { isDeaf: boolean };
    say(n: number): Promise<void>;
  }> {
    const backend = await open();
    const line = loseMessages(backend, (message) => message.startsWith("kept "));
    const served = await serve({
      backend,
      realtime: { history: {}, clock: new FakeClock(), inactivityThresholdSeconds: 10_000 },
      setUp: (chat) => {
        chat.on("post", (connection, { n }) => chat.group("room").except(connection).send("said", { n }));
      },
    });
    // The node holds the channel before it misses anything.
    await served.chat.join("bob", "room");
    const bob = await clientOf(served, "bob");
    const say = (n: number) => served.chat.group("room").send("said", { n });
    await say(1);
    expect(numbers([(await next(bob.ws)) as never])).toEqual([1]);
    return { served, line, say };
  }

  /** Takes the next message, which tells the position up to which the client has to ask, and asks. */
  async function asksFor(client: Client, after: number, was: string[] = []): Promise<unknown[]> {
    const { event_type, data } = (await next(client.ws)) as never as { event_type: string; data: Client };
    expect(event_type).toBe("session.positions");
    const { epoch, offset: upTo } = data.channels["group:room"] ?? {};
    const answer = await askHistory(client, { channel: "group:room", epoch, after, upTo, was });
    return numbers(answer.data?.messages ?? []);
  }

  test("is not given what was sent before its user joined", async () => {
    const { served, line, say } = await deafNode();
    line.isDeaf = true;
    await say(2);
    await served.chat.join("ada", "room");
    const ada = await clientOf(served, "ada");
    expect(ada.channels["group:room"]?.offset).toBe(1);
    line.isDeaf = false;
    await say(3);
    expect(await asksFor(ada, 1)).toEqual([3]);
    await say(4);
    expect(await next(ada.ws)).toMatchObject({ data: { n: 4 }, offset: 4 });
  });

  test("is not given back what its former connection has sent", async () => {
    const { served, line, say } = await deafNode();
    await served.chat.join("ada", "room");
    const before = await clientOf(served, "ada");
    line.isDeaf = true;
    send(before.ws, "post", { n: 2 }, "id");
    expect(await next(before.ws)).toMatchObject({ id: "id", status: "success" });
    before.ws.close();
    const ada = await comeIn(before.browser);
    line.isDeaf = false;
    await say(3);
    expect(await asksFor(ada, 1, [ada.id, before.id])).toEqual([3]);
    await say(4);
    expect(await next(ada.ws)).toMatchObject({ data: { n: 4 }, offset: 4 });
  });
});
