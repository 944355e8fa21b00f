import type { WebSocket } from "ws";
import { closed, messages, nextMessage } from "../support/browser.ts";
import { connect, next, type Served, send, serve } from "./support.ts";

let served: Served;
let ws: WebSocket;

beforeEach(async () => {
  served = await serve({
    realtime: { maxMessagesPerSecond: 10_000 },
    setUp: (chat) => chat.on("nothing", () => {}),
  });
  ({ ws } = await connect(served, "ada"));
});

/** The whole text of the answer. */
async function answerTo(message: string | Buffer): Promise<string> {
  ws.send(message);
  return nextMessage(ws);
}

describe("64 KiB", () => {
  const sized = (bytes: number) => {
    const [before, after] = ['{"event_type":"echo","id":1,"data":{"x":"', '"}}'];
    return before + "x".repeat(bytes - before.length - after.length) + after;
  };

  test("are accepted, whole and in fragments", async () => {
    expect(await answerTo(sized(65_536))).toContain('"status":"success"');
    ws.send(sized(65_536).slice(0, 40_000), { fin: false });
    ws.send(sized(65_536).slice(40_000));
    expect(await next(ws)).toMatchObject({ status: "success" });
  });

  test("and one more byte close that connection with 1009, and no other", async () => {
    const other = await connect(served, "grace");
    ws.send(sized(65_537));
    expect(await closed(ws)).toMatchObject({ code: 1009 });
    expect(messages(ws).all).toHaveLength(1);
    send(other.ws, "nothing", {}, 1);
    expect(await next(other.ws)).toEqual({ id: 1, status: "success" });
  });
});
