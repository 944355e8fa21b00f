import { type Backend, userConnectionStore } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { connect, next, places, serve } from "./support.ts";

const beat = '{"event_type":"session.heartbeat"}';
const TICK_MS = 1_000;

describe.each(places)("userConnectionStore on $place", ({ open: openPlace }) => {
  async function serveShared(backend: Backend, expiresSeconds = 30) {
    const clock = new FakeClock();
    const connectionStore = userConnectionStore({ expiresSeconds });
    return {
      clock,
      served: await serve({ backend, realtime: { connectionStore, clock, pingIntervalMs: 0 } }),
    };
  }

  test("is shared by a user's connections, and by nobody else's", async () => {
    const { served } = await serveShared(await openPlace());
    const [phone, laptop, other] = [
      await connect(served, "ada"),
      await connect(served, "ada"),
      await connect(served, "grace"),
    ];
    await phone.line.store.set("draft", { text: "hello" });
    expect(await laptop.line.store.get("draft")).toEqual({ text: "hello" });
    expect(await other.line.store.get("draft")).toBeUndefined();
    await laptop.line.store.delete("draft");
    expect(await phone.line.store.get("draft")).toBeUndefined();
  });

  test("outlives the line: who comes back finds it", async () => {
    const { served } = await serveShared(await openPlace());
    const { ws, line } = await connect(served, "ada");
    await line.store.set("draft", "hello");
    ws.close();
    await eventually(() => expect(served.closings).toHaveLength(1));
    const again = await connect(served, "ada");
    expect(await again.line.store.get("draft")).toBe("hello");
  });

  test("has nothing for a connection without a user", async () => {
    const { served } = await serveShared(await openPlace());
    const { line } = await connect(served);
    await line.store.set("draft", "hello");
    expect(await line.store.get("draft")).toBeUndefined();
    expect(await (await connect(served)).line.store.get("draft")).toBeUndefined();
    await line.store.delete("draft");
  });

  test("ends so long after the last heartbeat", async () => {
    const { served } = await serveShared(await openPlace(), 1);
    const { line } = await connect(served, "ada");
    await line.store.set("draft", "hello");
    expect(await line.store.get("draft")).toBe("hello");
    await eventually(async () => expect(await line.store.get("draft")).toBeUndefined());
  });

  // Once only those connections let it live on that had set something themselves.
  test("lives on by the heartbeats of any of the user's connections, also one that only reads", async () => {
    const { served, clock } = await serveShared(await openPlace(), 1);
    const { ws, line } = await connect(served, "ada");
    const reader = await connect(served, "ada");
    await line.store.set("draft", "hello");
    ws.close();
    const since = Date.now();
    while (Date.now() - since < 2_500) {
      reader.ws.send(beat);
      await next(reader.ws);
      await clock.advance(TICK_MS);
      expect(await reader.line.store.get("draft")).toBe("hello");
    }
  });
});

test.each([[0], [-1], [1.5], [Number.NaN], ["30"]])(
  "userConnectionStore takes no expiresSeconds of %j",
  (value) => {
    expect(() => userConnectionStore({ expiresSeconds: value as number })).toThrow(
      new TypeError('userConnectionStore: option "expiresSeconds" must be a whole number, at least 1'),
    );
  },
);
