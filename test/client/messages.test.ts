import { realtimeClient } from "../../lib/client.ts";
import { eventually } from "../support/eventually.ts";
import { connectClient, serveBehindRelay, serveChat } from "./support.ts";

describe("send", () => {
  test("waits for the connection to open, and then leaves in order", async () => {
    const { wsUrl, numbers } = await serveChat();
    const { client, until } = connectClient({ url: wsUrl });
    for (const n of [1, 2, 3]) client.send("number", { n });
    await until("open");
    client.send("number", { n: 4 });
    await eventually(() => expect(numbers).toEqual([1, 2, 3, 4]));
  });

  test("without data sends none", async () => {
    const { wsUrl, chat } = await serveChat();
    chat.on("empty", (_connection, data) => data);
    const { client } = connectClient({ url: wsUrl });
    expect(await client.request("empty")).toEqual({});
  });

  test("throws when as many wait as may, and sends those that wait", async () => {
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

  test("of nothing that waits, where none may", async () => {
    const { wsUrl } = await serveChat();
    const { client, until } = connectClient({ url: wsUrl, maxQueuedMessages: 0 });
    expect(() => client.send("number", { n: 1 })).toThrow("0 messages wait already");
    await until("open");
    expect(await client.request("number", { n: 2 })).toEqual({ n: 2 });
  });

  test("of as many as may wait does not pass the server's limit, and keeps the order with what follows", async () => {
    const { wsUrl, numbers } = await serveChat({ maxMessagesPerSecond: 80 });
    const { client, until, states } = connectClient({ url: wsUrl });
    const all = Array.from({ length: 100 }, (_, n) => n);
    for (const n of all.slice(0, 90)) client.send("number", { n });
    await until("open");
    for (const n of all.slice(90)) client.send("number", { n });
    await eventually(() => expect(numbers).toEqual(all));
    expect(states.map(([state]) => state)).toEqual(["open"]);
  });

  test("of large ones does not pass its limit of bytes", async () => {
    const { wsUrl, numbers } = await serveChat({ maxBytesPerSecond: 500_000 });
    const { client, until, states } = connectClient({ url: wsUrl });
    const all = Array.from({ length: 25 }, (_, n) => n);
    const filler = "x".repeat(30_000);
    for (const n of all) client.send("number", { n, filler });
    await until("open");
    await eventually(() => expect(numbers).toEqual(all), { withinMs: 8_000 });
    expect(states.map(([state]) => state)).toEqual(["open"]);
  });

  test("throws what JSON cannot say", () => {
    const { client } = connectClient({ url: "ws://127.0.0.1:9/ws" });
    const circle: Record<string, unknown> = {};
    circle.circle = circle;
    expect(() => client.send("number", circle)).toThrow(TypeError);
  });

  test("throws once the client has ended", async () => {
    const { client } = connectClient({ url: "ws://127.0.0.1:9/ws" });
    client.close();
    expect(() => client.send("number", { n: 1 })).toThrow(expect.objectContaining({ code: "closed" }));
    await expect(client.request("number")).rejects.toMatchObject({ code: "closed" });
  });
});

describe("request", () => {
  test("resolves to the data of its answer, whichever comes first", async () => {
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

  test("rejects with timeout when no answer comes, and the connection lives on", async () => {
    const { wsUrl } = await serveChat();
    const { client, states, until } = connectClient({ url: wsUrl, requestTimeoutMs: 50 });
    await until("open");
    await expect(client.request("never")).rejects.toMatchObject({ code: "timeout" });
    expect(states).toHaveLength(1);
  });

  test("that timed out before it was sent is never sent", async () => {
    const { chat, line } = await serveBehindRelay();
    line.target = undefined;
    const { client } = connectClient({ url: line.url, requestTimeoutMs: 50 });
    client.send("number", { n: 1 });
    await expect(client.request("number", { n: 2 })).rejects.toMatchObject({ code: "timeout" });
    client.send("number", { n: 3 });
    line.target = chat.port;
    await eventually(() => expect(chat.numbers).toEqual([1, 3]));
  });

  test("rejects with closed when it was sent and the line breaks, and is not sent again", async () => {
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

  test("rejects with closed when the client ends, sent or not", async () => {
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
  test("reach their listeners, until those go", async () => {
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
    "may be named %s: it is not taken for what the client itself says",
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

  test("that are no messages of realtime are passed over", async () => {
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

describe("errors about what was sent without asking for an answer", () => {
  test("go to onError", async () => {
    const { wsUrl } = await serveChat();
    const { client } = connectClient({ url: wsUrl });
    const errors: unknown[] = [];
    const listener = (error: Error) => errors.push(error);
    client.onError(listener).send("fail");
    await eventually(() => expect(errors).toEqual([expect.objectContaining({ code: "no_room" })]));
  });

  test("are a warning when nobody listens", async () => {
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
