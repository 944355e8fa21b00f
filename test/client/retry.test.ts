import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { eventually } from "../support/eventually.ts";
import { signIn } from "../websocket/support.ts";
import { afterThisTest, connectClient, serveBehindRelay, webSocketOf } from "./support.ts";

interface Asked {
  readonly event_type: string;
  readonly id: number;
  readonly key?: string;
  readonly data: unknown;
}

interface Script {
  readonly url: string;
  /** The messages of each line, in order. */
  readonly lines: Asked[][];
  answer(id: number, answer: object): void;
  close(code?: number): void;
}

/** A real server that answers only what the test lets it answer. */
async function script(): Promise<Script> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const lines: Asked[][] = [];
  let line: WebSocket | undefined;
  server.on("connection", (ws) => {
    const asked: Asked[] = [];
    lines.push(asked);
    line = ws;
    ws.on("message", (text) => asked.push(JSON.parse(String(text))));
  });
  afterThisTest(() => {
    for (const ws of server.clients) ws.terminate();
    server.close();
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lines,
    answer: (id, answer) => line?.send(JSON.stringify({ id, ...answer })),
    close: (code) => (code ? line?.close(code) : line?.terminate()),
  };
}

const retry = { retry: true };

async function opened(options: object = {}) {
  const server = await script();
  const seen = connectClient({ url: server.url, heartbeatIntervalMs: 0, ...options });
  await seen.until("open");
  return { server, ...seen };
}

const sent = (server: Script, line: number, count: number) =>
  eventually(() => {
    expect(server.lines[line]).toHaveLength(count);
    return server.lines[line] as Asked[];
  });

test("a request with retry is sent again after a reconnect, with the same key", async () => {
  const { server, client } = await opened();
  const answer = client.request("buy", { n: 1 }, retry);
  const [first] = await sent(server, 0, 1);
  expect(first).toMatchObject({ event_type: "buy", data: { n: 1 }, id: expect.any(Number) });
  expect(first?.key).toMatch(/^[\w-]{16,64}$/);
  server.close();
  const [again] = await sent(server, 1, 1);
  expect(again).toMatchObject({ event_type: "buy", data: { n: 1 }, key: first?.key });
  server.close();
  const [third] = await sent(server, 2, 1);
  server.answer(third?.id as number, { status: "success", data: "bought" });
  expect(await answer).toBe("bought");
  server.close();
  await eventually(() => expect(server.lines).toHaveLength(4));
  expect(server.lines[3]).toEqual([]);
});

test("each request has a key of its own, and one without retry has none", async () => {
  const { server, client } = await opened();
  for (const options of [retry, retry, undefined, { retry: false }])
    client.request("buy", {}, options).catch(() => {});
  const keys = (await sent(server, 0, 4)).map((asked) => asked.key);
  expect(new Set(keys.slice(0, 2)).size).toBe(2);
  expect(keys.slice(2)).toEqual([undefined, undefined]);
});

test("repeated requests come in the order of the calls, before what was not sent; others reject with closed", async () => {
  const { server, client, until } = await opened();
  const asked = [retry, {}, retry].map((options, n) => client.request("buy", { n }, options));
  for (const each of asked) each.catch(() => {});
  await sent(server, 0, 3);
  server.close();
  await until("waiting");
  client.send("buy", { n: 3 });
  client.request("buy", { n: 4 }, retry).catch(() => {});
  expect((await sent(server, 1, 4)).map(({ data }) => (data as { n: number }).n)).toEqual([0, 2, 3, 4]);
  await expect(asked[1]).rejects.toMatchObject({ code: "closed" });
});

test("a repeated request rejects with the server's error", async () => {
  const { server, client } = await opened();
  const asked = client.request("buy", {}, retry);
  asked.catch(() => {});
  await sent(server, 0, 1);
  server.close();
  const [again] = await sent(server, 1, 1);
  server.answer(again?.id as number, { status: "error", error: { code: "outcome_unknown", message: "?" } });
  await expect(asked).rejects.toMatchObject({ code: "outcome_unknown" });
});

test("it rejects with timeout, counted from the call, and is not sent again", async () => {
  const { server, client, until } = await opened({ requestTimeoutMs: 150 });
  const asked = client.request("buy", {}, retry);
  asked.catch(() => {});
  await sent(server, 0, 1);
  server.close();
  await sent(server, 1, 1);
  await expect(asked).rejects.toMatchObject({ code: "timeout" });
  server.close();
  await eventually(() => expect(server.lines).toHaveLength(3));
  await until("open");
  expect(server.lines[2]).toEqual([]);
});

test("no more than maxQueuedMessages wait for the next line; the others reject with closed", async () => {
  const { server, client, until } = await opened({ maxQueuedMessages: 2 });
  const asked = [1, 2, 3].map((n) => client.request("buy", { n }, retry));
  for (const each of asked) each.catch(() => {});
  await sent(server, 0, 3);
  server.close();
  await until("waiting");
  expect(() => client.send("buy")).toThrow(expect.objectContaining({ code: "queue_full" }));
  await expect(asked[2]).rejects.toMatchObject({ code: "closed" });
  await sent(server, 1, 2);
});

test.each([
  ["close()", "closed", ({ client }: Awaited<ReturnType<typeof opened>>) => client.close()],
  ["reconnect()", "closed", ({ client }: Awaited<ReturnType<typeof opened>>) => client.reconnect()],
  ["4009", "closed", ({ server }: Awaited<ReturnType<typeof opened>>) => server.close(4009)],
  ["4501", "closed", ({ server }: Awaited<ReturnType<typeof opened>>) => server.close(4501)],
])("it rejects after %s with %s", async (_, code, end) => {
  const all = await opened();
  const asked = all.client.request("buy", {}, retry);
  asked.catch(() => {});
  await sent(all.server, 0, 1);
  end(all);
  await expect(asked).rejects.toMatchObject({ code });
});

test("a real server handles a request once, though its line was cut during the handler and after it", async () => {
  const { chat, line } = await serveBehindRelay();
  const browser = await signIn(chat);
  const { client, until } = connectClient({ url: line.url, WebSocket: webSocketOf(browser) });
  await until("open");
  const handled: unknown[] = [];
  chat.chat.on("buy", async (_, { n, isSlow }) => {
    handled.push(n);
    line.cut();
    if (isSlow) await until("open", 1);
    return { bought: n };
  });
  expect(await client.request("buy", { n: 1, isSlow: true }, retry)).toEqual({ bought: 1 });
  expect(await client.request("buy", { n: 2 }, retry)).toEqual({ bought: 2 });
  expect(handled).toEqual([1, 2]);
});
