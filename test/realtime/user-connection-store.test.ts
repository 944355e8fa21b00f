import type { WebSocket } from "ws";
import { type Backend, memoryBackend, userConnectionStore } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { closedAfterThisTest } from "../users/support.ts";
import { connect, next, places, redisPlace, type Served, serve } from "./support.ts";

const beat = '{"event_type":"session.heartbeat"}';
const TICK_MS = 1_000;

// Once, only connections that had set something themselves kept the data alive.
const livesOn = "lives on by the heartbeats of any of the user's connections, also one that only reads";

async function serveShared(backend: Backend, expiresSeconds = 30) {
  const clock = new FakeClock();
  const connectionStore = userConnectionStore({ expiresSeconds });
  return {
    clock,
    served: await serve({ backend, realtime: { connectionStore, clock, pingIntervalMs: 0 } }),
  };
}

/** A connection of ada that has set nothing. A closed connection has set the data. */
async function readerOfDraft(served: Served): ReturnType<typeof connect> {
  const { ws, line } = await connect(served, "ada");
  const reader = await connect(served, "ada");
  await line.store.set("draft", "hello");
  ws.close();
  await eventually(() => expect(served.closings).toHaveLength(1));
  return reader;
}

async function beatOnce(ws: WebSocket, clock: FakeClock): Promise<void> {
  ws.send(beat);
  await next(ws);
  await clock.advance(TICK_MS);
}

describe.each(places)("userConnectionStore on $place", ({ open: openPlace }) => {
  test("is shared by the connections of one user only", async () => {
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

  test("keeps data for the user's next connection", async () => {
    const { served } = await serveShared(await openPlace());
    const { ws, line } = await connect(served, "ada");
    await line.store.set("draft", "hello");
    ws.close();
    await eventually(() => expect(served.closings).toHaveLength(1));
    const again = await connect(served, "ada");
    expect(await again.line.store.get("draft")).toBe("hello");
  });

  test("stores nothing for a connection without a user", async () => {
    const { served } = await serveShared(await openPlace());
    const { line } = await connect(served);
    await line.store.set("draft", "hello");
    expect(await line.store.get("draft")).toBeUndefined();
    expect(await (await connect(served)).line.store.get("draft")).toBeUndefined();
    await line.store.delete("draft");
  });
});

describe("userConnectionStore in memory", () => {
  let now: number;
  let shared: Awaited<ReturnType<typeof serveShared>>;

  beforeEach(async () => {
    now = Date.now();
    shared = await serveShared(closedAfterThisTest(memoryBackend({ now: () => now })));
  });

  test("ends so long after the last heartbeat", async () => {
    const { line } = await connect(shared.served, "ada");
    await line.store.set("draft", "hello");
    now += 29_000;
    expect(await line.store.get("draft")).toBe("hello");
    now += 2_000;
    expect(await line.store.get("draft")).toBeUndefined();
  });

  test(livesOn, async () => {
    const reader = await readerOfDraft(shared.served);
    for (let passed = 0; passed < 3; passed++) {
      now += 20_000;
      await beatOnce(reader.ws, shared.clock);
      expect(await reader.line.store.get("draft")).toBe("hello");
    }
    now += 31_000;
    expect(await reader.line.store.get("draft")).toBeUndefined();
  });
});

describe("userConnectionStore in Redis", () => {
  test("ends so long after the last heartbeat", async () => {
    const { served } = await serveShared((await redisPlace()).backend, 3);
    const { line } = await connect(served, "ada");
    await line.store.set("draft", "hello");
    expect(await line.store.get("draft")).toBe("hello");
    await eventually(async () => expect(await line.store.get("draft")).toBeUndefined(), { withinMs: 15_000 });
  });

  test(livesOn, async () => {
    const place = await redisPlace();
    const { served, clock } = await serveShared(place.backend);
    const reader = await readerOfDraft(served);
    const key = `${place.prefix}session-stack:user:ada:data`;
    expect(await place.client.expire(key, 15)).toBe(1);
    await beatOnce(reader.ws, clock);
    await eventually(async () => expect(await place.client.ttl(key)).toBeGreaterThan(20));
    expect(await reader.line.store.get("draft")).toBe("hello");
  });
});

test.each([[0], [-1], [1.5], [Number.NaN], ["30"]])(
  "userConnectionStore refuses an expiresSeconds of %j",
  (value) => {
    expect(() => userConnectionStore({ expiresSeconds: value as number })).toThrow(
      'userConnectionStore: option "expiresSeconds" must be a whole number',
    );
  },
);
