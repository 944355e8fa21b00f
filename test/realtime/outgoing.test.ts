import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { nextMessage } from "../support/browser.ts";
import { seededRandom } from "../support/random.ts";
import { ask, connect, next, open, type Served, serve, signIn, until } from "./support.ts";

const compression = [
  { how: "without compression", perMessageDeflate: false },
  { how: "with perMessageDeflate", perMessageDeflate: true },
];

const inOrder = (count: number) => Array.from({ length: count }, (_, at) => at);
const numbers = (events: Record<string, unknown>[]) => events.map(({ data }) => (data as { at: number }).at);

describe.each(compression)("$how", ({ perMessageDeflate }) => {
  let served: Served;
  beforeEach(async () => {
    served = await serve({
      webSocket: { path: "/ws", perMessageDeflate },
      realtime: { maxBufferedBytes: 100_000_000 },
    });
  });

  test("1,000 sends arrive in order, sent in one turn or in many, short and long", async () => {
    const { ws, line } = await connect(served, "ada");
    expect(ws.extensions).toBe(perMessageDeflate ? "permessage-deflate" : "");
    for (const at of inOrder(1_000)) {
      line.send("news", { at, text: "x".repeat(at % 7 === 0 ? 5_000 : 1) });
      if (at % 50 === 0) await new Promise(setImmediate);
    }
    line.send("last");
    expect(numbers(await until(ws, "last"))).toEqual(inOrder(1_000));
  });

  test("long texts are compressed only if compression was negotiated", async () => {
    const { ws, line } = await connect(served, "ada");
    const before = line.req.socket.bytesWritten;
    for (const at of inOrder(100)) line.send("news", { at, text: "x".repeat(5_000) });
    line.send("last");
    expect(numbers(await until(ws, "last"))).toEqual(inOrder(100));
    expect(line.req.socket.bytesWritten - before < 50_000).toBe(perMessageDeflate);
  });

  test("1,000 sends to a group and 1,000 to a user each arrive in order", async () => {
    const { ws } = await connect(served, "ada");
    await served.chat.join("ada", "g");
    const [group, user] = [served.chat.group("g"), served.chat.user("ada")];
    await Promise.all(
      inOrder(1_000).flatMap((at) => [group.send("group", { at }), user.send("user", { at })]),
    );
    await user.send("last");
    const received = await until(ws, "last");
    for (const type of ["group", "user"])
      expect(numbers(received.filter(({ event_type }) => event_type === type))).toEqual(inOrder(1_000));
  });

  test("answers come in the order of the events, with the handlers' own messages between them", async () => {
    served.chat.on("work", async (connection, { at }) => {
      connection.send("working", { at });
      if (at % 2) await new Promise(setImmediate);
      return at;
    });
    const { ws } = await connect(served, "ada");
    for (const at of inOrder(50)) ws.send(JSON.stringify({ event_type: "work", data: { at }, id: at }));
    for (const at of inOrder(50)) {
      expect(await next(ws)).toEqual({ event_type: "working", data: { at } });
      expect(await next(ws)).toEqual({ id: at, status: "success", data: at });
    }
  });

  // Lengths at which a frame's header grows (RFC 6455, section 5.2), in bytes and not in characters.
  test.each([34, 124, 125, 126, 127, 65_534, 65_535, 65_536, 65_537, 200_000])(
    "texts of %d bytes arrive unchanged",
    async (bytes) => {
      const { ws, line } = await connect(served, "ada");
      const around = Buffer.byteLength('{"event_type":"e","data":{"x":""}}');
      for (const letter of ["x", "ü"]) {
        const letters = letter.repeat(Math.floor((bytes - around) / Buffer.byteLength(letter)));
        const x = letters + "x".repeat(bytes - around - Buffer.byteLength(letters));
        line.send("e", { x });
        const text = await nextMessage(ws);
        expect(Buffer.byteLength(text)).toBe(bytes);
        expect(JSON.parse(text)).toEqual({ event_type: "e", data: { x } });
      }
    },
  );

  test("each connection receives its own messages in order when many are sent to in one turn", async () => {
    const random = seededRandom(Date.now() % 100_000);
    const lines: { user: string; ws: WebSocket; groups: string[] }[] = [];
    for (let user = 0; user < 8; user++) {
      const groups = ["a", "b", "c", "d"].filter(() => random.chance(0.5));
      for (const group of groups) await served.chat.join(`user ${user}`, group);
      lines.push({ user: `user ${user}`, groups, ws: (await connect(served, `user ${user}`)).ws });
    }
    for (let round = 0; round < 20; round++) {
      const sent = Array.from({ length: 12 }, (_, at) => ({ at, group: random.pick(["a", "b", "c", "d"]) }));
      await Promise.all(sent.map(({ at, group }) => served.chat.group(group).send("news", { at, round })));
      for (const { user, ws, groups } of lines) {
        await served.chat.user(user).send("last");
        const received = await until(ws, "last");
        expect({ seed: random.seed, at: numbers(received) }).toEqual({
          seed: random.seed,
          at: sent.filter(({ group }) => groups.includes(group)).map(({ at }) => at),
        });
      }
    }
  });
});

test("the messages of one turn leave in one write for each connection", async () => {
  const served = await serve();
  const writes = new Map<number | undefined, number>();
  served.server.on("connection", (socket: Socket) => {
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = (...args: unknown[]) => {
      writes.set(socket.remotePort, (writes.get(socket.remotePort) ?? 0) + 1);
      return write(...args);
    };
  });
  const browser = await signIn(served, "ada");
  const [first, second] = [await open(served, browser), await open(served, browser)];
  await served.chat.join("ada", "g");
  await ask(first.ws, "echo");
  writes.clear();
  const sending = inOrder(100).flatMap((at) => [
    served.chat.group("g").send("news", { at }),
    served.chat.user("ada").send("news", { at }),
  ]);
  for (const at of inOrder(100)) first.line.send("news", { at });
  for (const { line } of [first, second]) line.send("last");
  await Promise.all(sending);
  for (const { ws } of [first, second]) await until(ws, "last");
  expect([...writes.values()]).toEqual([1, 1]);
});
