import { type Backend, memoryBackend } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { closedAfterThisTest } from "../users/support.ts";
import { ask, connect, gate, next, type Served, serve, takeFailures, until } from "./support.ts";

/** The work of a node that may have missed messages of other nodes because its line was down. */
describe("after a gap", () => {
  let backend: Backend;
  let gap: () => void;
  let asked: string[];
  let decide: (userId: string | undefined, group: string) => boolean | Promise<boolean>;
  let served: Served;

  beforeEach(async () => {
    backend = closedAfterThisTest(memoryBackend());
    const listeners: ((hasLapsed: boolean) => void)[] = [];
    backend.node.onGap = (listener) => {
      listeners.push(listener);
      return () => {};
    };
    gap = () => {
      for (const listener of listeners) listener(false);
    };
    asked = [];
    decide = () => true;
    served = await serve({
      backend,
      realtime: {
        authorizeGroup: (userId, group) => {
          asked.push(`${userId} ${group}`);
          return decide(userId, group);
        },
      },
    });
    for (const user of ["ada", "grace"]) await served.chat.join(user, "room");
  });

  /** The messages that ada receives before `last`. */
  async function hears({ ws }: Awaited<ReturnType<typeof connect>>): Promise<unknown[]> {
    await served.chat.user("ada").send("last");
    return (await until(ws, "last")).map(({ event_type }) => event_type);
  }

  test("joins and leaves that the node missed take effect", async () => {
    const ada = await connect(served, "ada");
    await backend.memberships.leave("ada", "room");
    await backend.memberships.join("ada", "hall", 10);
    gap();
    await served.chat.group("room").send("secret");
    await eventually(() => expect([...ada.line.groups]).toEqual(["hall"]));
    await served.chat.group("hall").send("news");
    expect(await hears(ada)).toEqual(["news"]);
  });

  test("a slow authorizeGroup for one user delays nobody else", async () => {
    await served.chat.join("grace", "club");
    decide = (_, group) => group !== "club";
    await connect(served, "grace");
    const ada = await connect(served, "ada");
    decide = () => new Promise(() => {});
    gap();
    await served.chat.group("room").send("news");
    expect(await next(ada.ws)).toMatchObject({ event_type: "news" });
    expect(asked.at(-1)).toBe("grace club");
  });

  test("a user whose groups cannot be read is in none until they can be read, and delays nobody else", async () => {
    const [grace, ada] = [await connect(served, "grace"), await connect(served, "ada")];
    const groupsOf = backend.memberships.groupsOf.bind(backend.memberships);
    let isBroken = true;
    backend.memberships.groupsOf = async (userId) => {
      if (isBroken && userId === "grace") throw new Error("broken");
      return groupsOf(userId);
    };
    gap();
    await served.chat.group("room").send("news");
    expect(await hears(ada)).toEqual(["news"]);
    expect([...grace.line.groups]).toEqual([]);
    // Reported once, not with each tick.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    isBroken = false;
    await eventually(() => expect([...grace.line.groups]).toEqual(["room"]));
    expect(takeFailures(served)).toHaveLength(1);
  });

  test("a single failure, such as a dropped line, removes nobody from a group", async () => {
    const lines = [await connect(served, "ada"), await connect(served, "grace")];
    const groupsOf = backend.memberships.groupsOf.bind(backend.memberships);
    const failed = new Set<string>();
    backend.memberships.groupsOf = async (userId) => {
      if (failed.size === failed.add(userId).size) return groupsOf(userId);
      throw new Error("the line dropped");
    };
    gap();
    for (const type of ["a", "b"]) await served.chat.group("room").send(type);
    expect(await hears(lines[0] as Awaited<ReturnType<typeof connect>>)).toEqual(["a", "b"]);
    expect(failed.size).toBe(2);
    for (const { line } of lines) expect([...line.groups]).toEqual(["room"]);
  });

  test("the next gap restores a user whose authorizeGroup still runs, and all others", async () => {
    await served.chat.join("grace", "club");
    decide = (_, group) => group !== "club";
    await connect(served, "grace");
    const ada = await connect(served, "ada");
    decide = (_, group) => group !== "club" || new Promise(() => {});
    gap();
    await eventually(() => expect(asked.at(-1)).toBe("grace club"));
    await backend.memberships.join("ada", "hall", 10);
    gap();
    await eventually(() => expect([...ada.line.groups].sort()).toEqual(["hall", "room"]));
  });

  test("groups that were read before the next gap are not used after it", async () => {
    await served.chat.join("grace", "club");
    decide = (_, group) => group !== "club";
    await connect(served, "grace");
    const { opened, open: answer } = gate();
    decide = async (_, group) => {
      if (group === "club") await opened;
      return true;
    };
    await backend.memberships.join("grace", "hall", 10);
    gap();
    await eventually(() => expect(asked.slice(-2).sort()).toEqual(["grace club", "grace hall"]));
    await backend.memberships.leave("grace", "hall");
    const entered: string[] = [];
    const subscribe = backend.bus.subscribe.bind(backend.bus);
    backend.bus.subscribe = (channel, listener) => {
      entered.push(channel);
      return subscribe(channel, listener);
    };
    gap();
    answer();
    await eventually(() => expect(entered).toContain("group:club"));
    expect(entered).not.toContain("group:hall");
  });

  test("no message is delivered while groups cannot be read, and all of them are afterwards", async () => {
    const ada = await connect(served, "ada");
    const groupsOf = backend.memberships.groupsOf.bind(backend.memberships);
    let isBroken = true;
    backend.memberships.groupsOf = async (userId) => {
      if (isBroken) throw new Error("broken");
      return groupsOf(userId);
    };
    gap();
    for (const type of ["a", "b"]) await served.chat.group("room").send(type);
    await eventually(() => expect(takeFailures(served)).toHaveLength(1));
    // This answer comes at once, so a delivered message would have come before it.
    expect(await ask(ada.ws, "echo")).toMatchObject({ status: "success" });
    isBroken = false;
    expect(await hears(ada)).toEqual(["a", "b"]);
  });
});

test("a user who changes groups all the time causes one call of authorizeGroup for each, and connects", async () => {
  const asked: string[] = [];
  const served = await serve({
    realtime: {
      authorizeGroup: async (_, group) => {
        asked.push(group);
        if (group === "slow") await new Promise((resolve) => setTimeout(resolve, 300));
        return group !== "slow" || asked.length === 1;
      },
    },
  });
  await served.chat.join("ada", "slow");
  asked.length = 0;
  let isChanging = true;
  const changing = (async () => {
    while (isChanging) {
      for (const step of ["join", "leave"] as const) await served.chat[step]("ada", "x");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  const { line } = await connect(served, "ada");
  expect(asked.filter((group) => group === "slow")).toHaveLength(1);
  isChanging = false;
  await changing;
  expect([...line.groups]).toEqual([]);
});
