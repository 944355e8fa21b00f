import type { Backend } from "../../../lib/index.ts";
import { next, places, type Served, send, serve } from "../support.ts";
import { askHistory, clientOf, comeIn, type Kept, numbers } from "./support.ts";

describe.each(places)("kept messages on $place", ({ open }) => {
  async function serveKept(history: object = {}): Promise<Served & { backend: Backend }> {
    const backend = await open();
    const served = await serve({
      backend,
      realtime: { history },
      setUp: (chat) => {
        chat.on("post", async (connection, { n, isAlone }) => {
          const room = chat.group("room");
          await (isAlone ? room.except(connection) : room).send("said", { n });
        });
      },
    });
    return { ...served, backend };
  }

  test("carry their channel and offset, after positions that come before anything else", async () => {
    const served = await serveKept();
    await served.chat.join("ada", "room");
    await served.chat.group("room").send("said", { n: 1 });
    const ada = await clientOf(served, "ada");
    expect(Object.keys(ada.channels).sort()).toEqual(["group:room", "user"]);
    expect(ada.channels["group:room"]?.offset).toBe(1);
    expect(ada.channels.user?.offset).toBe(0);
    await served.chat.group("room").send("said", { n: 2 });
    expect(await next(ada.ws)).toEqual({
      event_type: "said",
      data: { n: 2 },
      channel: "group:room",
      offset: 2,
    });
    await served.chat.user("ada").send("mail", {});
    expect(await next(ada.ws)).toEqual({ event_type: "mail", data: {}, channel: "user", offset: 1 });
  });

  test("a join is told where the group stands, before its first message", async () => {
    const served = await serveKept();
    await served.chat.group("room").send("said", { n: 1 });
    const ada = await clientOf(served, "ada");
    await served.chat.join("ada", "room");
    await served.chat.group("room").send("said", { n: 2 });
    const told = (await next(ada.ws)) as { data: { channels: Record<string, { offset: number }> } };
    expect(told.data.channels["group:room"]?.offset).toBe(1);
    expect(((await next(ada.ws)) as never as Kept).offset).toBe(2);
  });

  test("a message that is not to be kept has neither", async () => {
    const served = await serveKept();
    const ada = await clientOf(served, "ada");
    await served.chat.user("ada").send("typing", {}, { history: false });
    expect(await next(ada.ws)).toEqual({ event_type: "typing", data: {} });
    expect(await served.chat.user("ada").history()).toEqual([]);
  });

  test("a client that comes back asks for what it has missed, and gets it once", async () => {
    const served = await serveKept();
    await served.chat.join("ada", "room");
    const ada = await clientOf(served, "ada");
    ada.ws.close();
    for (let n = 1; n <= 5; n++) await served.chat.group("room").send("said", { n });
    const again = await comeIn(ada.browser);
    const { epoch, offset } = again.channels["group:room"] as { epoch: string; offset: number };
    expect(offset).toBe(5);
    const answer = await askHistory(again, {
      channel: "group:room",
      epoch,
      after: 2,
      upTo: 5,
      was: [ada.id],
    });
    expect(numbers(answer.data?.messages ?? [])).toEqual([3, 4, 5]);
    expect(answer.data?.upTo).toBe(5);
    expect(served.chat.stats().history).toMatchObject({ appended: 5, recovered: 3, lost: 0 });
  });

  test("a sender does not get back what it was excepted from, on its next connection neither", async () => {
    const served = await serveKept();
    await served.chat.join("ada", "room");
    const ada = await clientOf(served, "ada");
    send(ada.ws, "post", { n: 1, isAlone: true });
    const passed = { event_type: "session.passed", data: { channel: "group:room", offset: 1 } };
    expect(await next(ada.ws)).toEqual(passed);
    ada.ws.close();
    await served.chat.group("room").send("said", { n: 2 });
    const again = await comeIn(ada.browser);
    const range = { channel: "group:room", epoch: again.channels["group:room"]?.epoch, after: 0, upTo: 2 };
    const answer = await askHistory(again, { ...range, was: [again.id, ada.id] });
    expect(numbers(answer.data?.messages ?? [])).toEqual([2]);
    const other = await askHistory(again, range);
    expect(numbers(other.data?.messages ?? [])).toEqual([1, 2]);
  });

  test("nobody reads what was sent before the join, or before the second one", async () => {
    const served = await serveKept();
    const room = served.chat.group("room");
    const ada = await clientOf(served, "ada");
    await room.send("said", { n: 1 });
    await served.chat.join("ada", "room");
    await room.send("said", { n: 2 });
    await served.chat.leave("ada", "room");
    await room.send("said", { n: 3 });
    await served.chat.join("ada", "room");
    await room.send("said", { n: 4 });
    const [position] = (await served.backend.history?.positions(["group:room"])) ?? [];
    const epoch = position?.epoch;
    const answer = await askHistory(ada, { channel: "group:room", epoch, after: 0, upTo: 4 });
    expect(numbers(answer.data?.messages ?? [])).toEqual([4]);
  });

  test("nobody reads a channel that they are not in", async () => {
    const served = await serveKept();
    await served.chat.group("room").send("said", { n: 1 });
    const ada = await clientOf(served, "ada");
    for (const channel of ["group:room", "user:bob", "group:", "nodes"]) {
      const answer = await askHistory(ada, { channel, epoch: "e", after: 0, upTo: 1 });
      expect(answer.error?.code).toBe("not_in_channel");
    }
    for (const wrong of [{}, { channel: 1 }, { after: -1 }, { upTo: 0.5 }, { was: "me" }]) {
      const right = { channel: "user", epoch: "e", after: 0, upTo: 1 };
      const answer = await askHistory(ada, { ...(Object.keys(wrong).length > 0 && right), ...wrong });
      expect(answer.error?.code).toBe("invalid_data");
    }
  });

  test("what the history does not have any longer is lost, never in part", async () => {
    const served = await serveKept({ maxMessages: 3 });
    await served.chat.join("ada", "room");
    for (let n = 1; n <= 5; n++) await served.chat.group("room").send("said", { n });
    const ada = await clientOf(served, "ada");
    const epoch = ada.channels["group:room"]?.epoch;
    const all = { channel: "group:room", epoch, upTo: 5 };
    expect((await askHistory(ada, { ...all, after: 1 })).error?.code).toBe("history_lost");
    expect((await askHistory(ada, { ...all, epoch: "other", after: 4 })).error?.code).toBe("history_lost");
    expect(numbers((await askHistory(ada, { ...all, after: 2 })).data?.messages ?? [])).toEqual([3, 4, 5]);
  });

  test("an app reads what was sent, page by page", async () => {
    const served = await serveKept();
    const room = served.chat.group("room");
    for (let n = 1; n <= 7; n++) await room.send("said", { n });
    const newest = await room.history({ limit: 3 });
    expect(newest.map(({ data, offset, type }) => [data.n, offset, type])).toEqual([
      [5, 5, "said"],
      [6, 6, "said"],
      [7, 7, "said"],
    ]);
    const older = await room.history({ limit: 3, before: newest[0]?.offset as number });
    expect(numbers(older)).toEqual([2, 3, 4]);
    expect(numbers(await room.history({ before: 2 }))).toEqual([1]);
    expect(await room.history({ before: 1 })).toEqual([]);
  });
});
