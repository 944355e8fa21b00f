import { closed } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { ask, connect, gate, next, send, serve, takeFailures } from "./support.ts";

describe("connect listeners", () => {
  test("run one after the other, and events wait for them in order", async () => {
    const [first, second] = [gate(), gate()];
    const log: unknown[] = [];
    const served = await serve({
      realtime: { maxMessagesPerSecond: 1_000 },
      setUp: (chat) =>
        chat
          .on("connect", async (connection) => {
            log.push("first begins");
            await first.opened;
            connection.send("welcome");
            log.push("first ends");
          })
          .on("connect", async () => {
            log.push("second begins");
            await second.opened;
            log.push("second ends");
          })
          .on("log", (_, { at }) => log.push(at)),
    });
    const ws = await served.browser().webSocket("/ws");
    for (let at = 0; at < 100; at++) {
      if (at % 10 === 0) ws.send('{"event_type":"session.heartbeat"}');
      else send(ws, "log", { at });
    }
    for (let beat = 0; beat < 10; beat++) expect(await next(ws)).toEqual({ status: "success" });
    expect(log).toEqual(["first begins"]);
    first.open();
    expect(await next(ws)).toEqual({ event_type: "welcome", data: {} });
    await eventually(() => expect(log).toEqual(["first begins", "first ends", "second begins"]));
    second.open();
    await ask(ws, "log", { at: "last" });
    const sent = Array.from({ length: 100 }, (_, at) => at).filter((at) => at % 10 !== 0);
    expect(log.slice(3)).toEqual(["second ends", ...sent, "last"]);
  });

  test("that fail are reported, and stop nothing", async () => {
    const log: string[] = [];
    const served = await serve({
      setUp: (chat) =>
        chat
          .on("connect", () => {
            throw new Error("thrown");
          })
          .on("connect", () => Promise.reject(new Error("rejected")))
          .on("connect", (connection) => log.push(`${connection.userId} connected`))
          .on("disconnect", () => {
            throw new Error("thrown late");
          })
          .on("disconnect", (connection) => log.push(`${connection.userId} disconnected`)),
    });
    const { ws, line } = await connect(served, "ada");
    expect(log).toEqual(["ada connected"]);
    expect(served.failures.map(({ connection }) => connection)).toEqual([line, line]);
    ws.close(4100, "enough");
    await eventually(() => expect(log).toEqual(["ada connected", "ada disconnected"]));
    expect(served.closings).toEqual([{ id: line.id, closed: { code: 4100, reason: "enough" } }]);
    expect(takeFailures(served)).toEqual(["thrown", "rejected", "thrown late"]);
  });

  test("are followed by disconnect, even if the client closes before they are done", async () => {
    const { opened, open } = gate();
    const log: string[] = [];
    const served = await serve({
      setUp: (chat) =>
        chat
          .on("connect", async () => {
            log.push("connect");
            await opened;
            log.push("connected");
          })
          .on("disconnect", () => log.push("disconnect")),
    });
    const ws = await served.browser().webSocket("/ws");
    await eventually(() => expect(log).toEqual(["connect"]));
    ws.close();
    await closed(ws);
    await eventually(() => expect(served.wsSessions.connections.size).toBe(0));
    open();
    await eventually(() => expect(log).toEqual(["connect", "connected", "disconnect"]));
  });
});
