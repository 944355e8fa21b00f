import type { Backend } from "../../lib/index.ts";
import { eventually } from "../support/eventually.ts";
import { seededRandom } from "../support/random.ts";
import { connect, gate, places, type Served, serve, signIn, until } from "./support.ts";

type Line = Awaited<ReturnType<typeof connect>>;

/** What each of a user's connections has got, as names of events, before one that is sent to the user last of all. */
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

  test("joined and left at the same time are in the end what the memberships say", async () => {
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

  /** Holds back the answer to the next question for a user's groups, which is out of date when it comes. */
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

  test("are left for good, also if the answer that the user is in them comes after it", async () => {
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

  test("joined while a connection is made are its groups too, and those left are not", async () => {
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

  // Once the whole of a user's groups was read at each change of one, on each node with the user.
  test("are joined and left without the others being read", async () => {
    const [device] = [await connect(served, "ada"), await connect(served, "ada")];
    const asked = jest.spyOn(backend.memberships, "groupsOf");
    await served.chat.join("ada", "a");
    await device.line.join("b");
    await served.chat.leave("ada", "a");
    expect([...device.line.groups]).toEqual(["b"]);
    expect(asked).not.toHaveBeenCalled();
  });

  // Once it was read again for as long as somebody changed it.
  test("are read a few times of a user who joins and leaves all the while, and then are what the memberships say", async () => {
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

  test("a message that is sent right after leave has resolved does not reach the user any more", async () => {
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
