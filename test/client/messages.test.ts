import { realtimeClient } from "../../lib/client.ts";
import { eventually } from "../support/eventually.ts";
import { connectClient, serveBehindRelay, serveChat } from "./support.ts";

describe("send", () => {
  test("keeps messages until the connection opens, and then sends them in order", async () => {
    const { wsUrl, numbers } = await serveChat();
    const { client, until } = connectClient({ url: wsUrl });
    for (const n of [1, 2, 3]) client.send("number", { n });
    await until("open");
    client.send("number", { n: 4 });
    await eventually(() => expect(numbers).toEqual([1, 2, 3, 4]));
  });

  test("without data sends no data field", async () => {
    const { wsUrl, chat } = await serveChat();
    chat.on("empty", (_connection, data) => data);
    const { client } = connectClient({ url: wsUrl });
    expect(await client.request("empty")).toEqual({});
  });

  test("throws when the queue is full, and still sends the waiting messages", async () => {
    const { chat, line } = await serveBehindRelay();
    line.target = undefined;
    const { client } = connectClient({ url: line.url, maxQueuedMessages: 2 });
    client.send("number", { n: 1 });
    client.send("number", { n: 2 });
    expect(() => client.send("number", { n: 3 })).toThrow(expect.objectContaining({ code: "queue_full" }));
    await expect(client.request("number", { n: 4 })).rejects.toMatchObject({
      name: "RealtimeClientError",
      code: "queue_full",
    });
    line.target = chat.port;
    await eventually(() => expect(chat.numbers).toEqual([1, 2]));
    expect(await client.request("number", { n: 5 })).toEqual({ n: 5 });
    expect(chat.numbers).toEqual([1, 2, 5]);
  });

  test("throws without a connection if no message may wait", async () => {
    const { wsUrl } = await serveChat();
    const { client, until } = connectClient({ url: wsUrl, maxQueuedMessages: 0 });
    expect(() => client.send("number", { n: 1 })).toThrow("0 messages wait already");
    await until("open");
    expect(await client.request("number", { n: 2 })).toEqual({ n: 2 });
  });

  test("of a full queue stays within the server's rate limit, and in order with later messages", async () => {
    const { wsUrl, numbers } = await serveChat({ maxMessagesPerSecond: 80 });
    const { client, until, states } = connectClient({ url: wsUrl });
    const all = Array.from({ length: 100 }, (_, n) => n);
    for (const n of all.slice(0, 90)) client.send("number", { n });
    await until("open");
    for (const n of all.slice(90)) client.send("number", { n });
    await eventually(() => expect(numbers).toEqual(all));
    expect(states.map(([state]) => state)).toEqual(["open"]);
  });

  test("of large messages stays within the server's limit of bytes", async () => {
    const { wsUrl, numbers } = await serveChat({ maxBytesPerSecond: 500_000 });
    const { client, until, states } = connectClient({ url: wsUrl });
    const all = Array.from({ length: 25 }, (_, n) => n);
    const filler = "x".repeat(30_000);
    for (const n of all) client.send("number", { n, filler });
    await until("open");
    await eventually(() => expect(numbers).toEqual(all), { withinMs: 8_000 });
    expect(states.map(([state]) => state)).toEqual(["open"]);
  });

  test("throws for data that JSON cannot represent", () => {
    const { client } = connectClient({ url: "ws://127.0.0.1:9/ws" });
    const circle: Record<string, unknown> = {};
    circle.circle = circle;
    expect(() => client.send("number", circle)).toThrow(TypeError);
  });

  test("throws after the client has ended", async () => {
    const { client } = connectClient({ url: "ws://127.0.0.1:9/ws" });
    client.close();
    expect(() => client.send("number", { n: 1 })).toThrow(expect.objectContaining({ code: "closed" }));
    await expect(client.request("number")).rejects.toMatchObject({ code: "closed" });
  });
});

describe("request", () => {
  test("resolves to the data of its own answer, in whatever order answers arrive", async () => {
    const { wsUrl, chat } = await serveChat();
    chat.on("nothing", () => {});
    const { client } = connectClient({ url: wsUrl });
    const answers = [1, 2, 3].map((n) => client.request("number", { n }));
    expect(await Promise.all(answers)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(await client.request("nothing")).toBeUndefined();
  });

  test("rejects with the server's error", async () => {
    const { wsUrl } = await serveChat();
    const { client } = connectClient({ url: wsUrl });
    await expect(client.request("fail")).rejects.toMatchObject({
      name: "RealtimeClientError",
      code: "no_room",
      message: "no such room",
    });
    await expect(client.request("unheard_of")).rejects.toMatchObject({ code: "unknown_event" });
    await expect(client.request("number", [1] as never)).rejects.toMatchObject({ code: "bad_message" });
  });

  test("rejects with timeout when no answer comes, and the connection stays open", async () => {
    const { wsUrl } = await serveChat();
    const { client, states, until } = connectClient({ url: wsUrl, requestTimeoutMs: 50 });
    await until("open");
    await expect(client.request("never")).rejects.toMatchObject({ code: "timeout" });
    expect(states).toHaveLength(1);
  });

  test("is never sent if it timed out while it waited", async () => {
    const { chat, line } = await serveBehindRelay();
    line.target = undefined;
    const { client } = connectClient({ url: line.url, requestTimeoutMs: 50 });
    client.send("number", { n: 1 });
    await expect(client.request("number", { n: 2 })).rejects.toMatchObject({ code: "timeout" });
    client.send("number", { n: 3 });
    line.target = chat.port;
    await eventually(() => expect(chat.numbers).toEqual([1, 3]));
  });

  test("rejects with closed if the line breaks after it was sent, and is not repeated", async () => {
    const { chat, line } = await serveBehindRelay();
    const { client, until } = connectClient({ url: line.url });
    await until("open");
    let times = 0;
    chat.chat.on("count", () => {
      times++;
      return new Promise(() => {});
    });
    const asked = client.request("count");
    asked.catch(() => {});
    await eventually(() => expect(times).toBe(1));
    line.cut();
    await expect(asked).rejects.toMatchObject({ code: "closed" });
    await until("open", 1);
    expect(await client.request("number", { n: 1 })).toEqual({ n: 1 });
    expect(times).toBe(1);
  });

  test("rejects with closed when the client ends, whether it was sent or not", async () => {
    const { chat, line } = await serveBehindRelay();
    const { client, until } = connectClient({ url: line.url });
    await until("open");
    const sent = client.request("never");
    sent.catch(() => {});
    line.target = undefined;
    line.cut();
    await until("waiting");
    const unsent = client.request("number", { n: 1 });
    client.close();
    await expect(sent).rejects.toMatchObject({ code: "closed" });
    await expect(unsent).rejects.toMatchObject({ code: "closed" });
    expect(chat.numbers).toEqual([]);
  });
});

describe("events of the server", () => {
  test("reach their listeners until those are removed", async () => {
    const { wsUrl, connections } = await serveChat();
    const { client, until } = connectClient({ url: wsUrl });
    const heard: unknown[] = [];
    const listener = (data: object) => heard.push(data);
    client.on("news", listener).on("news", (data) => heard.push({ also: data }));
    await until("open");
    await eventually(() => expect(connections).toHaveLength(1));
    connections[0]?.send("news", { n: 1 });
    await eventually(() => expect(heard).toEqual([{ n: 1 }, { also: { n: 1 } }]));
    client.off("news", listener).off("news", listener).off("olds", listener);
    connections[0]?.send("news", { n: 2 });
    connections[0]?.send("unheard");
    await eventually(() => expect(heard.slice(2)).toEqual([{ also: { n: 2 } }]));
  });

  test.each(["state", "error", "open", "close", "__proto__", "constructor"])(
    "may be named %s without being mistaken for the client's own events",
    async (name) => {
      const { wsUrl, connections } = await serveChat();
      const { client, states, until } = connectClient({ url: wsUrl });
      const heard: unknown[] = [];
      const errors: unknown[] = [];
      client.on(name, (data) => heard.push(data)).onError((error) => errors.push(error));
      await until("open");
      await eventually(() => expect(connections).toHaveLength(1));
      connections[0]?.send(name, { by: "the server" });
      await eventually(() => expect(heard).toEqual([{ by: "the server" }]));
      expect(states).toEqual([["open", {}]]);
      expect(errors).toEqual([]);
    },
  );

  test("that are not messages of realtime are ignored", async () => {
    const { wsUrl, connections } = await serveChat();
    const { client, states, until } = connectClient({ url: wsUrl });
    await until("open");
    await eventually(() => expect(connections).toHaveLength(1));
    for (const text of [
      "hello",
      "null",
      "1",
      "[]",
      '"text"',
      '{"id":7,"status":"success"}',
      '{"event_type":1}',
    ])
      connections[0]?.ws.send(text);
    connections[0]?.ws.send(Buffer.from([1, 2, 3]));
    expect(await client.request("number", { n: 1 })).toEqual({ n: 1 });
    expect(states).toHaveLength(1);
  });
});

describe("errors about messages that expect no answer", () => {
  test("go to onError", async () => {
    const { wsUrl } = await serveChat();
    const { client } = connectClient({ url: wsUrl });
    const errors: unknown[] = [];
    const listener = (error: Error) => errors.push(error);
    client.onError(listener).send("fail");
    await eventually(() => expect(errors).toEqual([expect.objectContaining({ code: "no_room" })]));
  });

  test("are a warning without a listener", async () => {
    const { wsUrl } = await serveChat();
    const warned = jest.spyOn(console, "warn").mockImplementation(() => {});
    try {
      const { client } = connectClient({ url: wsUrl });
      const listener = () => {};
      client.onError(listener).offError(listener).send("unheard_of");
      await eventually(() =>
        expect(warned).toHaveBeenCalledWith(expect.objectContaining({ code: "unknown_event" })),
      );
    } finally {
      warned.mockRestore();
    }
  });
});

test("a client that is closed at once never connects", async () => {
  const { line } = await serveBehindRelay();
  const client = realtimeClient({ url: line.url, WebSocket: (await import("ws")).WebSocket });
  client.close();
  client.close();
  expect(client.state).toBe("ended");
});
