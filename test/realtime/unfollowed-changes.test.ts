import type { Backend, Realtime } from "../../lib/index.ts";
import { memoryBackend } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { answerNext, beforeNext, closedAfterThisTest, lost } from "../users/support.ts";
import { connect, next, places, type Served, serve } from "./support.ts";

const soon = { withinMs: 5_000 };

// Once, a connection never entered a group of its user, or never left one, without an error.
describe.each(places)("on $place, a change of a membership", ({ open }) => {
  let backend: Backend;
  let served: Served;
  let chat: Realtime;

  beforeEach(async () => {
    backend = await open();
    served = await serve({ backend, session: { timeoutMs: 300 } });
    ({ chat } = served);
  });

  test("that the node could not read takes effect a little later", async () => {
    const { line, ws } = await connect(served, "ada");
    // Not before the nodes are told, because the joining node reads it too.
    beforeNext(backend.registry, "nodesOf", () => beforeNext(backend.memberships, "isMember", lost));
    await chat.join("ada", "lobby").catch(() => {});
    await eventually(() => expect([...line.groups]).toEqual(["lobby"]), soon);
    expect(served.failures.splice(0).length).toBeGreaterThan(0);
    await chat.group("lobby").send("hello");
    expect(await next(ws)).toMatchObject({ event_type: "hello" });
  });

  const HOW: [how: string, answer: (answered: unknown) => unknown][] = [
    ["is an error", lost],
    ["never comes", () => new Promise(() => {})],
  ];

  test.each(HOW)("by a join that was made and whose answer %s takes effect", async (_how, answer) => {
    const { line } = await connect(served, "ada");
    answerNext(backend.memberships, "join", answer);
    await expect(chat.join("ada", "lobby")).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
    await eventually(() => expect([...line.groups]).toEqual(["lobby"]), soon);
  });

  test.each(HOW)("by a leave that was made and whose answer %s takes effect", async (_how, answer) => {
    const { line } = await connect(served, "ada");
    await chat.join("ada", "lobby");
    answerNext(backend.memberships, "leave", answer);
    await expect(chat.leave("ada", "lobby")).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
    await eventually(() => expect([...line.groups]).toEqual([]), soon);
  });

  test.each(["join", "leave"] as const)("by a %s that was not made has no effect", async (method) => {
    const { line } = await connect(served, "ada");
    const isIn = method === "leave";
    if (isIn) await chat.join("ada", "lobby");
    beforeNext(backend.memberships, method, lost);
    await expect(chat[method]("ada", "lobby")).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
    await new Promise((resolve) => setTimeout(resolve, 2_200));
    expect(line.groups.has("lobby")).toBe(isIn);
    expect(await chat.members("lobby")).toEqual(isIn ? ["ada"] : []);
  });
});

test("the number of changes that could not be announced is bounded", async () => {
  const backend = memoryBackend();
  const { chat } = await serve({ backend, session: { timeoutMs: 300 } });
  backend.memberships.join = lost;
  const failed = await Promise.allSettled(
    Array.from({ length: 12_000 }, (_, n) => chat.join(`user ${n}`, "lobby")),
  );
  expect(failed.every(({ status }) => status === "rejected")).toBe(true);
  await backend.close();
});

test("a change that was announced to no node takes effect within minutes", async () => {
  const clock = new FakeClock();
  const backend = closedAfterThisTest(memoryBackend({ now: () => clock.now() }));
  const served = await serve({ backend, realtime: { clock, inactivityThresholdSeconds: 3_600 } });
  const { line } = await connect(served, "ada");
  await served.chat.join("ada", "red");
  await backend.memberships.leave("ada", "red");
  await backend.memberships.join("ada", "blue", 10);
  expect([...line.groups]).toEqual(["red"]);
  await clock.advance(62_000);
  await eventually(() => expect([...line.groups]).toEqual(["blue"]), soon);
});

test("a change that cannot be announced does not delay other changes", async () => {
  const backend = closedAfterThisTest(memoryBackend());
  const { chat, ...served } = await serve({ backend, session: { timeoutMs: 300 } });
  const { line } = await connect({ ...served, chat }, "ada");
  const { nodesOf } = backend.registry;
  backend.registry.nodesOf = async (userIds) =>
    userIds.includes("poor") ? lost() : nodesOf.call(backend.registry, userIds);
  await expect(chat.join("poor", "lobby")).rejects.toThrow();
  answerNext(backend.memberships, "join", lost);
  await expect(chat.join("ada", "lobby")).rejects.toThrow();
  await eventually(() => expect([...line.groups]).toEqual(["lobby"]), soon);
});
