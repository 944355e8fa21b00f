import type { RealtimeClientError } from "../../lib/client.ts";
import { eventually } from "../support/eventually.ts";
import { BrowserLikeSocket } from "./browser-like-socket.ts";
import { connectClient, serveBehindRelay, serveChat } from "./support.ts";

/** A WebSocket that throws instead of sending messages with a given text. */
function refusing(text: string) {
  return class extends BrowserLikeSocket {
    override send(message: string): void {
      if (message.includes(text)) throw new Error("too large for this browser");
      super.send(message);
    }
  };
}

describe("a message that the WebSocket refuses by throwing", () => {
  test("is reported to onError if it has waited, and later messages leave once, in order", async () => {
    const { wsUrl, numbers } = await serveChat();
    const { client, until } = connectClient({ url: wsUrl, WebSocket: refusing('"n":2}') });
    const errors: RealtimeClientError[] = [];
    client.onError((error) => errors.push(error));
    for (const n of [1, 2, 3]) client.send("number", { n });
    const refused = client.request("number", { n: 2 });
    client.send("number", { n: 4 });
    await until("open");
    client.send("number", { n: 5 });
    await expect(refused).rejects.toMatchObject({
      code: "not_sent",
      cause: new Error("too large for this browser"),
    });
    await eventually(() => expect(numbers).toEqual([1, 3, 4, 5]));
    expect(errors).toMatchObject([{ name: "RealtimeClientError", code: "not_sent" }]);
    expect(await client.request("number", { n: 6 })).toEqual({ n: 6 });
  });

  test("throws at once from send", async () => {
    const { wsUrl, numbers } = await serveChat();
    const { client, until } = connectClient({ url: wsUrl, WebSocket: refusing('"n":2}') });
    await until("open");
    expect(() => client.send("number", { n: 2 })).toThrow(expect.objectContaining({ code: "not_sent" }));
    await expect(client.request("number", { n: 2 })).rejects.toMatchObject({ code: "not_sent" });
    expect(await client.request("number", { n: 3 })).toEqual({ n: 3 });
    expect(numbers).toEqual([3]);
  });

  test("loses no other message if it breaks the line: the others leave on the next line", async () => {
    const { chat, line } = await serveBehindRelay();
    const refusal = refusing('"n":1}');
    class Breaking extends refusal {
      override send(message: string): void {
        if (message.includes('"n":1}')) line.cut();
        super.send(message);
      }
    }
    const { client, until } = connectClient({ url: line.url, WebSocket: Breaking });
    client.onError(() => {});
    for (const n of [1, 2, 3]) client.send("number", { n });
    await until("waiting");
    await eventually(() => expect(chat.numbers).toEqual([2, 3]));
  });

  test("shows a dead line if it is a heartbeat, and throws nowhere", async () => {
    const { wsUrl } = await serveChat();
    const { until } = connectClient({
      url: wsUrl,
      WebSocket: refusing("session.heartbeat"),
      heartbeatIntervalMs: 20,
      requestTimeoutMs: 50,
    });
    expect(await until("waiting")).toMatchObject({ code: 1006, reason: "no_answer" });
  });
});
