import { setTimeout as delay } from "node:timers/promises";
import { closed, nextMessage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { rawSocket } from "../support/raw-socket.ts";
import { inAllPlaces } from "./places.ts";
import { cookieOf, frame, handshake } from "./raw-handshake.ts";
import { ask, data, serve, signIn } from "./support.ts";

const texts = Array.from({ length: 100 }, (_, at) => `message ${at}`);

test("100 frames in one write with the handshake all arrive in order, with a store that takes 2 s", () =>
  inAllPlaces(async (place) => {
    const heard: string[] = [];
    const served = await serve({
      place,
      session: { timeoutMs: 5_000 },
      onConnection: (ws, req) => {
        heard.push(String(data(req).name));
        ws.on("message", (message) => heard.push(message.toString()));
      },
    });
    const browser = await signIn(served);
    let reads = 0;
    place.aroundReads(async (read) => {
      if (++reads === 1) await delay(2_000);
      await read();
    });
    const socket = await rawSocket(served.port);
    socket.write(
      Buffer.concat([Buffer.from(handshake("/ws", cookieOf(browser))), ...texts.map((text) => frame(text))]),
    );
    await eventually(() => expect(heard).toHaveLength(101));
    expect(heard).toEqual(["Ada", ...texts]);
    socket.destroy();
  }));

test("frames that arrive while the session is loaded and authorize decides are delivered in order", async () => {
  const heard: string[] = [];
  let isAsked = false;
  let allow: (answer: boolean) => void = () => {};
  const served = await serve({
    webSocket: {
      path: "/ws",
      authorize: () => {
        isAsked = true;
        return new Promise<boolean>((resolve) => {
          allow = resolve;
        });
      },
    },
    onConnection: (ws) => ws.on("message", (message) => heard.push(message.toString())),
  });
  const socket = await rawSocket(served.port);
  const write = (bytes: string | Buffer) => new Promise((resolve) => socket.write(bytes, resolve));
  await write(handshake());
  await eventually(() => expect(isAsked).toBe(true));
  for (const text of texts.slice(0, 50)) await write(frame(text));
  // A frame in two parts. The connection opens between them.
  const cut = frame(texts[50] as string);
  await write(cut.subarray(0, 7));
  allow(true);
  await eventually(() => expect(served.opened).toHaveLength(1));
  await write(cut.subarray(7));
  for (const text of texts.slice(51)) await write(frame(text));
  await eventually(() => expect(heard).toEqual(texts));
  socket.destroy();
});

test("a message of a client that sends and closes during the handshake is handled, and nothing is left of the client", async () => {
  const heard: string[] = [];
  const served = await serve({
    onConnection: (ws) => ws.on("message", (message) => heard.push(message.toString())),
  });
  const browser = await signIn(served);
  const socket = await rawSocket(served.port);
  const bytes = [Buffer.from(handshake("/ws", cookieOf(browser))), frame("hello"), frame("goodbye")];
  socket.end(Buffer.concat(bytes));
  await eventually(() => expect(heard).toEqual(["hello", "goodbye"]));
  await eventually(() => expect(served.wsSessions.connections.size).toBe(0));
  expect(served.errors).toEqual([]);
});

describe("a message over maxPayload", () => {
  test("closes with 1009 and is no server error: by default above 64 KiB", async () => {
    const served = await serve({
      onConnection: (ws) => ws.on("message", (m) => ws.send(`${String(m).length}`)),
    });
    const browser = await signIn(served);
    const ws = await browser.webSocket("/ws");
    const other = await browser.webSocket("/ws");
    ws.send("x".repeat(65_536));
    expect(await nextMessage(ws)).toBe("65536");
    ws.send("x".repeat(65_537));
    expect(await closed(ws)).toMatchObject({ code: 1009 });
    other.send("still here");
    expect(await nextMessage(other)).toBe("10");
    expect(served.errors).toEqual([]);
    await eventually(() => expect(served.wsSessions.connections.size).toBe(1));
  });

  test("closes with 1009 in fragments too, and above the limit of the option", async () => {
    const served = await serve({ webSocket: { path: "/ws", maxPayload: 10 } });
    const ws = await served.browser().webSocket("/ws");
    for (let piece = 0; piece < 3; piece++) ws.send("12345", { fin: false });
    expect(await closed(ws)).toMatchObject({ code: 1009 });
    expect(served.errors).toEqual([]);
  });

  test.each<[string, Buffer, number]>([
    ["that is not masked", Buffer.from([0x81, 0x02, 0x68, 0x69]), 1002],
    ["of a reserved kind", Buffer.from([0x83, 0x80, 0, 0, 0, 0]), 1002],
    ["that is not UTF-8", Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]), 1007],
  ])("a frame %s closes with its own code", async (_what, bytes, code) => {
    const served = await serve();
    const socket = await rawSocket(served.port);
    const received: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => received.push(chunk));
    socket.write(Buffer.concat([Buffer.from(handshake()), bytes]));
    await eventually(() => {
      const frames = Buffer.concat(received);
      const close = frames.subarray(frames.indexOf("\r\n\r\n") + 4);
      expect([close[0], close.length > 3 && close.readUInt16BE(2)]).toEqual([0x88, code]);
    });
    socket.destroy();
    await eventually(() => expect(served.wsSessions.connections.size).toBe(0));
    expect(served.errors).toEqual([]);
  });
});

test("perMessageDeflate is off by default, and can be turned on", async () => {
  const [off, on] = [await serve(), await serve({ webSocket: { path: "/ws", perMessageDeflate: true } })];
  expect((await off.browser().webSocket("/ws")).extensions).toBe("");
  const ws = await on.browser().webSocket("/ws");
  expect(ws.extensions).toBe("permessage-deflate");
  expect(await ask(ws, "get")).toEqual({});
});
