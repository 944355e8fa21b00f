import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { RealtimeClientOptions } from "../../lib/client.ts";
import { eventually } from "../support/eventually.ts";
import { afterThisTest, connectClient, type Seen } from "./support.ts";

interface Request {
  readonly id: number;
  readonly data: { channel: string; epoch: string; after: number; upTo: number; was: string[] };
}

interface Scene extends Seen {
  readonly heard: unknown[];
  readonly lost: string[];
  /** The requests for history so far. */
  readonly asked: Request[];
  /** Everything else that the client has sent. */
  readonly sent: unknown[];
  tell(connection: string, channels: object): void;
  say(message: object): void;
  live(offset: number, channel?: string): void;
  /** Answers a request with the numbered messages, or with an error. */
  answer(index: number, offsets: number[] | string, upTo?: number): void;
  drop(): void;
}

/** A real server that says what the test lets it say, and a client. */
async function scene(
  options: Partial<RealtimeClientOptions> = {},
  onOpen?: (scene: Scene) => void,
): Promise<Scene> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  let line: WebSocket | undefined;
  const asked: Request[] = [];
  const sent: unknown[] = [];
  const heard: unknown[] = [];
  const lost: string[] = [];
  server.on("connection", (ws) => {
    line = ws;
    onOpen?.(self);
    ws.on("message", (text) => {
      const message = JSON.parse(String(text));
      if (message.event_type === "session.history") asked.push(message);
      else sent.push(message.data);
    });
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const seen = connectClient({ url, heartbeatIntervalMs: 0, ...options });
  afterThisTest(() => {
    for (const ws of server.clients) ws.terminate();
    server.close();
  });
  seen.client.on("n", ({ n }) => heard.push(n)).onLost((channel) => lost.push(channel));
  const self: Scene = {
    ...seen,
    heard,
    lost,
    asked,
    sent,
    say: (message) => line?.send(JSON.stringify(message)),
    tell: (connection, channels) =>
      self.say({ event_type: "session.positions", data: { connection, channels } }),
    live: (offset, channel = "user") => self.say({ event_type: "n", data: { n: offset }, channel, offset }),
    answer(index, offsets, upTo) {
      const { id, data } = asked[index] as Request;
      if (typeof offsets === "string") {
        self.say({ id, status: "error", error: { code: offsets, message: offsets } });
        return;
      }
      const messages = offsets.map((offset) => ({ event_type: "n", data: { n: offset }, offset }));
      self.say({ id, status: "success", data: { channel: data.channel, messages, upTo: upTo ?? data.upTo } });
    },
    drop: () => line?.terminate(),
  };
  await seen.until("open");
  return self;
}

/** A client that has the messages up to 2, and comes back to a channel that stands at `offset`. */
async function comeBack(
  offset: number,
  epoch = "e",
  options: Partial<RealtimeClientOptions> = {},
): Promise<Scene> {
  let connections = 0;
  const self = await scene(options, ({ tell }) =>
    connections++
      ? tell("second", { user: { epoch, offset } })
      : tell("first", { user: { epoch: "e", offset: 0 } }),
  );
  self.live(1);
  self.live(2);
  await eventually(() => expect(self.heard).toEqual([1, 2]));
  self.drop();
  await self.until("waiting");
  return self;
}

/** Resolves once the client has handled all that the server has said. */
async function settled({ say, client }: Scene): Promise<void> {
  const marked = new Promise<void>((resolve) => client.on("mark", () => resolve()));
  say({ event_type: "mark" });
  await marked;
}

test("what was missed is asked for, and arrives before what is new; then the state is open", async () => {
  const self = await comeBack(5);
  const { asked, heard, live, answer, states, until, lost } = self;
  await eventually(() => expect(asked).toHaveLength(1));
  expect(asked[0]?.data).toEqual({
    channel: "user",
    epoch: "e",
    after: 2,
    upTo: 5,
    was: ["second", "first"],
  });
  live(6);
  self.say({ event_type: "n", data: { n: "other" }, channel: "group:unknown", offset: 9 });
  self.say({ event_type: "n", data: { n: "plain" } });
  await settled(self);
  expect(heard).toEqual([1, 2, "other", "plain"]);
  expect(states.at(-1)?.[0]).toBe("connecting");
  answer(0, [3], 4);
  await eventually(() => expect(asked[1]?.data).toMatchObject({ after: 4, upTo: 5 }));
  answer(1, [5]);
  expect(await until("open", 1)).toEqual({ recovered: true });
  expect(heard).toEqual([1, 2, "other", "plain", 3, 5, 6]);
  expect(lost).toEqual([]);
});

test("a first connection is open at once, without recovered", async () => {
  const { states } = await scene();
  expect(states).toEqual([["open", {}]]);
});

test.each([
  ["nothing was missed", 2, "e", true],
  ["the server is behind", 1, "e", true],
  ["the history began anew", 9, "f", false],
])("if %s, nothing is asked, and the client is open", async (_, offset, epoch, recovered) => {
  const { until, asked, lost } = await comeBack(offset, epoch);
  expect(await until("open", 1)).toEqual({ recovered });
  expect(asked).toEqual([]);
  expect(lost).toEqual(recovered ? [] : ["user"]);
});

test("messages that are gone are told, and later ones arrive", async () => {
  const { until, asked, answer, live, lost, heard } = await comeBack(5);
  await eventually(() => expect(asked).toHaveLength(1));
  live(6);
  answer(0, "history_lost");
  expect(await until("open", 1)).toEqual({ recovered: false });
  expect(lost).toEqual(["user"]);
  live(7);
  await eventually(() => expect(heard).toEqual([1, 2, 6, 7]));
});

test("a channel that the connection is not in is forgotten, without a loss", async () => {
  const self = await comeBack(5);
  await eventually(() => expect(self.asked).toHaveLength(1));
  self.answer(0, "not_in_channel");
  expect(await self.until("open", 1)).toEqual({ recovered: true });
  self.live(20);
  await settled(self);
  expect([self.heard, self.lost, self.asked.length]).toEqual([[1, 2, 20], [], 1]);
});

test("an error, and an answer that covers nothing, are followed by another request", async () => {
  const { asked, answer, until } = await comeBack(3);
  await eventually(() => expect(asked).toHaveLength(1));
  answer(0, [], 2);
  await eventually(() => expect(asked).toHaveLength(2), { withinMs: 3_000 });
  answer(1, [3]);
  expect(await until("open", 1)).toEqual({ recovered: true });
});

test("a server that tells no positions has lost all channels", async () => {
  let connections = 0;
  const self = await scene({ requestTimeoutMs: 50 }, ({ tell }) => {
    if (!connections++)
      tell("first", { user: { epoch: "e", offset: 0 }, "group:a": { epoch: "g", offset: 3 } });
  });
  await settled(self);
  self.client.send("hello", { n: 1 });
  self.drop();
  expect(await self.until("open", 1)).toEqual({ recovered: false });
  expect(self.lost.sort()).toEqual(["group:a", "user"]);
});

test("a gap in live messages is filled, and nothing is given twice", async () => {
  const self = await scene({}, ({ tell }) => tell("first", { user: { epoch: "e", offset: 0 } }));
  const { live, say, asked, answer, heard } = self;
  for (const offset of [1, 1, 4, 3, 6]) live(offset);
  say({ event_type: "session.passed", data: { channel: "user", offset: 7 } });
  live(8);
  await eventually(() => expect(asked).toHaveLength(1));
  expect(asked[0]?.data).toMatchObject({ after: 1, upTo: 3 });
  answer(0, [2, 3]);
  await eventually(() => expect(asked[1]?.data).toMatchObject({ after: 4, upTo: 5 }));
  answer(1, []);
  await eventually(() => expect(heard).toEqual([1, 2, 3, 4, 6, 8]));
});

test("session.lost moves the position, and no listener of events hears the four types", async () => {
  const self = await scene({}, ({ tell }) => tell("first", { user: { epoch: "e", offset: 0 } }));
  const types = ["session.positions", "session.passed", "session.lost", "session.history"];
  for (const type of types) self.client.on(type, () => self.heard.push(type));
  self.client.on("session.own", () => self.heard.push("own"));
  self.live(1);
  self.say({ event_type: "session.lost", data: { channel: "user", epoch: "f", offset: 7 } });
  self.say({ event_type: "session.history", data: {} });
  self.say({ event_type: "session.own", data: {} });
  self.live(8);
  await eventually(() => expect(self.heard).toEqual([1, "own", 8]));
  expect(self.lost).toEqual(["user"]);
});

test("close() forgets the positions, reconnect() does not", async () => {
  const self = await scene({}, ({ tell }) => tell("any", { user: { epoch: "e", offset: 4 } }));
  await settled(self);
  self.client.reconnect();
  expect(await self.until("open", 1)).toEqual({ recovered: true });
  self.client.close();
  const from = self.states.length;
  self.client.reconnect();
  expect(await self.until("open", from)).toEqual({});
});

test("beyond 1,000 waiting messages, newer ones are read from the history", async () => {
  const self = await scene({}, ({ tell }) => tell("first", { user: { epoch: "e", offset: 0 } }));
  for (let offset = 2; offset <= 1_010; offset++) self.live(offset);
  await settled(self);
  await eventually(() => expect(self.asked).toHaveLength(1));
  self.answer(0, [1]);
  await eventually(() => expect(self.asked[1]?.data).toMatchObject({ after: 1_001, upTo: 1_010 }));
  expect(self.heard).toEqual(Array.from({ length: 1_001 }, (_, index) => index + 1));
});

test("of more than 2,000 channels, the one that was quiet for longest is forgotten", async () => {
  const channels = Object.fromEntries(
    Array.from({ length: 2_001 }, (_, n) => [`group:${n}`, { epoch: "e", offset: 0 }]),
  );
  const self = await scene({}, ({ tell }) => tell("first", channels));
  self.live(3, "group:0");
  self.live(3, "group:1");
  await eventually(() => expect(self.asked).toHaveLength(1));
  expect(self.asked[0]?.data.channel).toBe("group:1");
  expect(self.heard).toEqual([3]);
});

test("4 channels ask at once, before queued messages, and no more than 25 in 300 ms", async () => {
  let connections = 0;
  const names = Array.from({ length: 60 }, (_, n) => `group:${n}`);
  const at = (offset: number) => Object.fromEntries(names.map((name) => [name, { epoch: "e", offset }]));
  const self = await scene({}, ({ tell }) => tell("any", at(connections++)));
  await settled(self);
  self.drop();
  await self.until("waiting");
  await eventually(() => expect(self.asked).toHaveLength(4));
  await settled(self);
  expect(self.asked).toHaveLength(4);
  const begin = performance.now();
  for (let index = 0; index < names.length; index++) {
    await eventually(() => expect(self.asked.length).toBeGreaterThan(index));
    self.answer(index, [1]);
  }
  expect(await self.until("open", 1)).toEqual({ recovered: true });
  // 60 requests are two whole slices, and a part of a third one.
  expect(performance.now() - begin).toBeGreaterThan(500);
});
