import type { Connection } from "../../lib/index.ts";
import { closed, messages } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { ask, data, send, serve, signIn } from "./support.ts";

describe("plain listeners of webSocketSessions beside realtime", () => {
  test("have the same connection, with the same session", async () => {
    const served = await serve();
    const heard: string[] = [];
    served.wsSessions.on("connection", (ws, req) => {
      data(req).plain = true;
      ws.on("message", (message) => heard.push(message.toString()));
      ws.send("plain text");
    });
    const ws = await (await signIn(served, "ada")).webSocket("/ws");
    expect(await messages(ws).next()).toBe("plain text");
    expect(await ask(ws, "echo", { a: 1 })).toEqual({ status: "success", data: { a: 1 } });
    const [line] = served.connections as [Connection];
    expect(data(line.req).plain).toBe(true);
    expect(heard).toEqual([expect.stringContaining('"event_type":"echo"')]);
    expect(served.wsSessions.connections).toEqual(new Set([line.ws]));
    line.ws.send("by ws");
    expect(await messages(ws).next()).toBe("by ws");
  });

  test("that fail close the connection with 1011, and realtime emits disconnect", async () => {
    const served = await serve();
    served.wsSessions.on("connection", (ws) => {
      ws.on("message", () => {
        throw new Error("plain trouble");
      });
    });
    const ws = await (await signIn(served, "ada")).webSocket("/ws");
    await eventually(() => expect(served.connections).toHaveLength(1));
    send(ws, "echo", {}, 1);
    expect(await closed(ws)).toMatchObject({ code: 1011 });
    await eventually(() => expect(served.closings).toMatchObject([{ closed: { code: 1011 } }]));
    expect(served.errors.splice(0).map(({ message }) => message)).toEqual(["plain trouble"]);
    expect(await served.chat.activeSessions("ada")).toEqual([]);
  });

  test("may close the connection before realtime emits connect", async () => {
    const served = await serve();
    served.wsSessions.on("connection", (ws) => ws.close(4100, "not you"));
    const ws = await (await signIn(served, "ada")).webSocket("/ws");
    expect(await closed(ws)).toEqual({ code: 4100, reason: "not you" });
    await eventually(async () => expect(await served.chat.activeSessions("ada")).toEqual([]));
    await eventually(() => expect(served.closings.length).toBe(served.connections.length));
  });
});
