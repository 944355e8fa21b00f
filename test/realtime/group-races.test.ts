import type { Backend } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { seededRandom } from "../support/random.ts";
import { connect, gate, places, type Served, serve, signIn, until } from "./support.ts";

type Line = Awaited<ReturnType<typeof connect>>;

/** The names of the events that each connection of a user receives before a last one. */
async function receivedBy(served: Served, userId: string, lines: Line[]): Promise<unknown[][]> {
  await served.chat.user(userId).send("last");
  return Promise.all(
    lines.map(async ({ ws }) => (await until(ws, "last")).map(({ event_type }) => event_type)),
  );
}

describe.each(places)("groups on $place", ({ open }) => {
  let backend: Backend;
  let served: Served;

  beforeEach(async () => {
    backend = await open();
    served = await serve({ backend });
  });

  test("that are joined and left at the same time agree with the memberships at the end", async () => {
    const random = seededRandom(Date.now() % 100_000);
    const devices = [await connect(served, "ada"), await connect(served, "ada")];
    for (let round = 0; round < 15; round++) {
      const steps = Array.from({ length: 8 }, () => {
        const group = random.pick(["a", "b", "c"]);
        const what = random.pick(["join", "leave"] as const);
        const by = random.pick([served.chat, ...devices.map(({ line }) => line)]);
        return "groups" in by ? by[what](group) : by[what]("ada", group);
      });
      if (random.chance(0.3)) devices.push(await connect(served, "ada"));
      await Promise.all(steps);
      const groups = (await served.chat.groupsOf("ada")).sort();
      for (const group of ["a", "b", "c"]) await served.chat.group(group).send(group);
      await served.chat.user("ada").send("last");
      for (const { ws, line } of devices) {
        const received = (await until(ws, "last")).map(({ event_type }) => event_type);
        expect({ seed: random.seed, round, received, on: [...line.groups].sort() }).toEqual({
          seed: random.seed,
          round,
          received: groups,
          on: groups,
        });
      }
      const members = await Promise.all(["a", "b", "c"].map((group) => served.chat.members(group)));
      expect(members.map(({ length }) => length > 0)).toEqual(["a", "b", "c"].map((g) => groups.includes(g)));
    }
  });

  /** Delays the next answer with a user's groups, so it is outdated when it arrives. */
  function holdNextAnswer(): { asked: () => boolean; hand: () => void } {
    const { opened, open: hand } = gate();
    const { memberships } = backend;
    const { groupsOf, isMember } = memberships;
    let isAsked = false;
    const held =
      <Args extends unknown[], Answer>(ask: (...args: Args) => Promise<Answer>) =>
      async (...args: Args): Promise<Answer> => {
        Object.assign(memberships, { groupsOf, isMember });
        const answer = await ask.apply(memberships, args);
        isAsked = true;
        await opened;
        return answer;
      };
    Object.assign(memberships, { groupsOf: held(groupsOf), isMember: held(isMember) });
    return { asked: () => isAsked, hand };
  }

  test("stay left, even if an older answer with the group arrives after the leave", async () => {
    const device = await connect(served, "ada");
    const { asked, hand } = holdNextAnswer();
    const joining = served.chat.join("ada", "g");
    await eventually(() => expect(asked()).toBe(true));
    await served.chat.leave("ada", "g");
    hand();
    await joining;
    expect(device.line.groups.size).toBe(0);
    await served.chat.group("g").send("secret");
    expect(await receivedBy(served, "ada", [device])).toEqual([[]]);
  });

  test("that are joined while a connection opens count for it, and those that are left do not", async () => {
    await served.chat.join("ada", "left");
    const { asked, hand } = holdNextAnswer();
    const connecting = (await signIn(served, "ada")).webSocket("/ws");
    await eventually(() => expect(asked()).toBe(true));
    await served.chat.join("ada", "joined");
    await served.chat.leave("ada", "left");
    hand();
    const ws = await connecting;
    await eventually(() => expect(served.connections).toHaveLength(1));
    const line = served.connections[0] as Line["line"];
    expect([...line.groups]).toEqual(["joined"]);
    for (const group of ["left", "joined"]) await served.chat.group(group).send(group);
    expect(await receivedBy(served, "ada", [{ ws, line }])).toEqual([["joined"]]);
  });

  // Once, each change of one group made each node with the user read all groups of the user.
  test("are joined and left without a read of the user's other groups", async () => {
    const [device] = [await connect(served, "ada"), await connect(served, "ada")];
    const asked = jest.spyOn(backend.memberships, "groupsOf");
    await served.chat.join("ada", "a");
    await device.line.join("b");
    await served.chat.leave("ada", "a");
    expect([...device.line.groups]).toEqual(["b"]);
    expect(asked).not.toHaveBeenCalled();
  });

  // Once, the groups were read again as long as somebody changed them.
  test("of a user who joins and leaves all the time are read a few times, and agree with the memberships at the end", async () => {
    const device = await connect(served, "ada");
    const { memberships, node } = backend;
    for (const name of ["groupsOf", "isMember"] as const) {
      const ask = memberships[name] as (...args: string[]) => Promise<never>;
      memberships[name] = async (...args: string[]) => {
        const answer = await ask.apply(memberships, args);
        for (let turns = 0; turns < 3; turns++) await new Promise(setImmediate);
        return answer;
      };
    }
    let isDone = false;
    const joining = served.chat.join("ada", "g").then(() => {
      isDone = true;
    });
    const change = { userId: "ada", group: "g", isIn: true };
    for (const begin = Date.now(); !isDone && Date.now() - begin < 2_000; ) {
      void node.ask("membership_changed", change, 1_000, [node.id]);
      await new Promise(setImmediate);
    }
    expect(isDone).toBe(true);
    await joining;
    await eventually(() => expect([...device.line.groups]).toEqual(["g"]));
  });

  test("a message that is sent after leave has resolved does not reach the user", async () => {
    const device = await connect(served, "ada");
    for (let round = 0; round < 20; round++) {
      await served.chat.join("ada", "g");
      const before = served.chat.group("g").send("before");
      await Promise.all([before, served.chat.leave("ada", "g")]);
      await served.chat.group("g").send("after");
    }
    const [received] = await receivedBy(served, "ada", [device]);
    expect(received).not.toContain("after");
  });
});
