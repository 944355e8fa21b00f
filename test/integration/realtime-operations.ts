import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { type SeededRandom, seededRandom } from "../support/random.ts";
import { within } from "../support/within.ts";
import type { RealtimeControl } from "./realtime-control.ts";
import type { Message, RealtimeLine } from "./realtime-line.ts";
import { type Held, RealtimeModel } from "./realtime-model.ts";
import { Users } from "./realtime-nodes.ts";

interface OpenLine {
  held: Held;
  line: RealtimeLine;
  node: number;
}

const MOST_AT_ONCE = 12;
const LONG_MS = 30_000;

/** The weights of the operations, and the number of devices. */
export interface Scenario {
  kinds: readonly ("join" | "leave" | "connect" | "disconnect" | "send")[];
  linesPerUser: number;
}

export const EVERYTHING: Scenario = {
  kinds: ["join", "join", "leave", "connect", "disconnect", "send", "send", "send"],
  linesPerUser: 3,
};

/** Users in all groups who come and go again and again. */
export const COMING_AND_GOING: Scenario = {
  kinds: ["connect", "connect", "disconnect", "disconnect", "send"],
  linesPerUser: 1,
};

/** Users, groups and connections on two nodes. Operations run on them at the same time. A model checks the results. */
export class RealtimeOperations {
  readonly #nodes: readonly { url: string; control: RealtimeControl }[];
  readonly #scenario: Scenario;
  readonly #random: SeededRandom;
  readonly #model = new RealtimeModel();
  readonly #users: Users;
  readonly #names: readonly string[];
  readonly #groups: readonly string[];
  readonly #open = new Set<OpenLine>();
  /** The number of open and opening connections of each user. */
  readonly #opening = new Map<string, number>();
  readonly #counts = new Map<string, number>();
  #flushes = 0;

  constructor(
    seed: number,
    nodes: readonly { url: string; control: RealtimeControl }[],
    scenario: Scenario = EVERYTHING,
  ) {
    this.#nodes = nodes;
    this.#scenario = scenario;
    this.#random = seededRandom(seed);
    this.#users = new Users(nodes);
    // Few users give certain results, many users give many races. Each run chooses.
    const some = (names: readonly string[]) =>
      names.slice(0, 1 + this.#random.int(names.length)).map((name) => `${name}-${seed}`);
    this.#names = some(["ann", "bob", "cleo", "dan"]);
    this.#groups = some(["red", "green", "blue"]);
  }

  /** Runs this number of operations, and throws the faults that were found. */
  async run(count: number): Promise<void> {
    let left = count;
    const work = async (_: unknown, at: number) => {
      while (left-- > 0) await this.#operate(`sender ${at}`);
    };
    try {
      if (!this.#scenario.kinds.includes("join")) await this.#joinAll();
      await Promise.all(Array.from({ length: 2 + this.#random.int(MOST_AT_ONCE - 1) }, work));
      await Promise.all([...this.#open].map((open) => this.#flush(open)));
      const violations = this.#model.violations();
      assert.deepEqual(violations.slice(0, 5), [], `${violations.length} violations`);
      await this.#checkMemberships();
    } finally {
      await this.#users.close();
    }
  }

  async #operate(sender: string): Promise<void> {
    const random = this.#random;
    const kind = random.pick(this.#scenario.kinds);
    const user = random.pick(this.#names);
    if (kind === "join" || kind === "leave") await this.#change(user, kind === "join");
    else if (kind === "connect") await this.#connect(user);
    else if (kind === "disconnect") await this.#disconnect();
    else await this.#send(sender, user);
  }

  async #joinAll(): Promise<void> {
    for (const user of this.#names) for (const group of this.#groups) await this.#change(user, true, group);
  }

  async #change(user: string, isIn: boolean, group = this.#random.pick(this.#groups)): Promise<void> {
    const { control } = this.#random.pick(this.#nodes);
    await this.#model.during(this.#model.changes, { user, group, isIn }, () =>
      isIn ? control.join(user, group) : control.leave(user, group),
    );
  }

  async #connect(user: string): Promise<void> {
    const open = this.#opening.get(user) ?? 0;
    if (open >= this.#scenario.linesPerUser) return;
    this.#opening.set(user, open + 1);
    const node = this.#random.int(this.#nodes.length);
    const line = await this.#users.connect(user, node);
    const { id } = await line.ready;
    const held: Held = {
      id,
      user,
      welcomeAt: this.#model.now(),
      goesAt: Number.POSITIVE_INFINITY,
      received: [],
    };
    const take = ({ from = "", at = -1 }: Message) => {
      if (!from.startsWith("flush")) held.received.push({ sender: from, at, when: this.#model.now() });
    };
    line.messages.forEach(take);
    line.onMessage(take);
    this.#model.held.push(held);
    this.#open.add({ held, line, node });
  }

  async #disconnect(): Promise<void> {
    if (this.#open.size === 0) return;
    const open = this.#random.pick([...this.#open]);
    this.#open.delete(open);
    await this.#flush(open);
    this.#opening.set(open.held.user, (this.#opening.get(open.held.user) ?? 0) - 1);
    if (this.#random.chance(0.5)) await open.line.close();
    else open.line.ws.terminate();
  }

  /** Waits until all earlier messages have arrived. A last message shows that. */
  async #flush({ held, line, node }: OpenLine): Promise<void> {
    held.goesAt = this.#model.now();
    const from = `flush ${++this.#flushes}`;
    await this.#nodes[node]?.control.sendToUser(held.user, { from });
    await eventually(() => assert.ok(line.messages.some((message) => message.from === from)), {
      withinMs: LONG_MS,
    });
  }

  /** Sends a few messages without waiting. */
  async #send(sender: string, user: string): Promise<void> {
    const node = this.#random.int(this.#nodes.length);
    const { control } = this.#nodes[node] as { control: RealtimeControl };
    const count = 1 + this.#random.int(3);
    const sending = Array.from({ length: count }, () => {
      const at = (this.#counts.get(sender) ?? -1) + 1;
      this.#counts.set(sender, at);
      const data = { from: sender, at };
      const group = this.#random.chance(0.8) ? this.#random.pick(this.#groups) : undefined;
      const here = [...this.#open].filter((open) => open.node === node);
      const exceptId =
        group !== undefined && here.length > 0 && this.#random.chance(0.2)
          ? this.#random.pick(here).held.id
          : undefined;
      const to = { sender, at, group, user: group === undefined ? user : undefined, exceptId };
      return this.#model.during(this.#model.sent, to, () =>
        group === undefined ? control.sendToUser(user, data) : control.sendToGroup(group, data, exceptId),
      );
    });
    await within(Promise.all(sending), LONG_MS, "end of sending");
  }

  /** Asserts that all nodes agree with the model about groups and members. */
  async #checkMemberships(): Promise<void> {
    const [{ control } = this.#nodes[0] as { control: RealtimeControl }] = this.#nodes;
    for (const group of this.#groups) {
      const members = await control.members(group);
      for (const user of this.#names) {
        const isIn = this.#model.isMember(user, group);
        const groups = await control.groupsOf(user);
        assert.equal(members.includes(user), groups.includes(group), `${user} in ${group}, seen both ways`);
        if (isIn !== undefined) assert.equal(groups.includes(group), isIn, `${user} in ${group}`);
      }
    }
  }
}
