import { setImmediate as turn } from "node:timers/promises";
import type { History } from "../../../lib/history/history.ts";
import { eventually } from "../../support/eventually.ts";
import type { SeededRandom } from "../../support/random.ts";
import { Model } from "./model.ts";
import { Device } from "./model-device.ts";
import { type ModelNode, modelPlaces, type Scenery, serveNodes } from "./model-nodes.ts";

const USERS = ["ada", "bob", "eve"];
const GROUPS = ["a", "b"];

/** Actions that run at a time, at most. */
const AT_ONCE = 8;

/** One sequence of actions on two nodes, with the clients of three users. */
export class ModelRun {
  readonly #random: SeededRandom;
  readonly #model = new Model();
  readonly #scenery: Scenery;
  #nodes: ModelNode[] = [];
  readonly #devices: Device[] = [];
  /** The joins and leaves of a user and a group come one after the other, and so do the logins of a user. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly #running = new Set<Promise<void>>();
  readonly #trace: string[] = [];

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#scenery = {
      maxMessages: random.pick([5, 20, 1_000]),
      failures: random.chance(0.2) ? 0.02 : 0,
      isSlow: random.chance(0.5),
    };
  }

  /** The last actions, for a run that fails. */
  get trace(): string {
    return this.#trace.slice(-60).join(", ");
  }

  async run(place: string, actions: number): Promise<void> {
    const opened = await (modelPlaces.find((each) => each.place === place) ?? modelPlaces[0])?.open();
    const { scenery, random } = { scenery: this.#scenery, random: this.#random };
    this.#nodes = await serveNodes(opened ?? [], this.#model, { scenery, random });
    if (scenery.maxMessages < 1_000)
      for (const channel of [
        ...GROUPS.map((group) => `group:${group}`),
        ...USERS.map((user) => `user:${user}`),
      ])
        this.#model.mayLose.add(channel);
    await Promise.all(
      USERS.flatMap((user) => [this.#connect(user), ...(random.chance(0.6) ? [this.#connect(user)] : [])]),
    );
    for (let n = 0; n < actions; n++) {
      this.#start(this.#next());
      while (this.#running.size >= AT_ONCE) await Promise.race(this.#running);
      for (let turns = random.chance(0.3) ? random.int(30) : 0; turns > 0; turns--) await turn();
      if (random.chance(0.03)) await this.#heal();
    }
    await this.#heal();
    for (const { failures } of this.#nodes)
      if (scenery.failures > 0 || place === "Redis") failures.length = 0;
  }

  async #connect(user: string): Promise<void> {
    const device = new Device(this.#devices.length + 1, user, this.#nodes, this.#model);
    this.#devices.push(device);
    await device.begin(this.#random.int(2));
  }

  #start(work: Promise<void>): void {
    const running = work.finally(() => this.#running.delete(running));
    // It fails where it is awaited.
    running.catch(() => {});
    this.#running.add(running);
  }

  /** Runs work after the earlier work of the same name. */
  #inTurn(name: string, work: () => Promise<void>): Promise<void> {
    const done = (this.#turns.get(name) ?? Promise.resolve()).then(work);
    this.#turns.set(name, done);
    return done;
  }

  #next(): Promise<void> {
    const random = this.#random;
    const model = this.#model;
    const node = random.pick(this.#nodes);
    const device = random.pick(this.#devices);
    const [user, group] = [random.pick(USERS), random.pick(GROUPS)];
    const dice = random.int(100);
    const note = (what: string) => this.#trace.push(`${model.now()} ${what}`);
    if (dice < 45) return this.#send(node, random.chance(0.7) ? `group:${group}` : `user:${user}`);
    if (dice < 55)
      return device.client.state === "open" ? device.post(group, random.chance(0.5)) : Promise.resolve();
    if (dice < 72) {
      return this.#inTurn(`${user} ${group}`, () => this.#move(node, user, group));
    }
    if (dice < 81) {
      model.isDisturbed = true;
      const target = random.chance(0.5) ? random.int(2) : undefined;
      note(`cut ${device.id} to ${target}`);
      device.cut(target);
    } else if (dice < 85) {
      model.isDisturbed = true;
      note(`terminate ${user}`);
      for (const connection of node.connections) if (connection.userId === user) connection.ws.terminate();
    } else if (dice < 89) {
      model.isDisturbed = true;
      node.line.isDeaf = !node.line.isDeaf;
      note(`deaf ${this.#nodes.indexOf(node)} ${node.line.isDeaf}`);
    } else if (dice < 91) {
      model.isDisturbed = true;
      note(`break ${this.#nodes.indexOf(node)}`);
      return node.breakBus();
    } else if (dice < 92) {
      model.isDisturbed = true;
      return this.#renew(random.chance(0.5) ? `group:${group}` : `user:${user}`);
    } else if (dice < 95)
      return this.#inTurn(device.user, () => this.#logInOrOut(node, device.user, random.chance(0.5)));
    else return node.clock.advance(1_000);
    return Promise.resolve();
  }

  async #send(node: ModelNode, channel: string): Promise<void> {
    const isKept = this.#random.chance(0.9);
    const sent = this.#model.begin(channel, { isKept });
    const target = channel.startsWith("user:")
      ? node.chat.user(channel.slice("user:".length))
      : node.chat.group(channel.slice("group:".length));
    await target.send("said", { n: sent.n }, { history: isKept });
    sent.end = this.#model.now();
  }

  async #move(node: ModelNode, user: string, group: string): Promise<void> {
    const model = this.#model;
    const stays = model.stays(user, `group:${group}`);
    const last = stays.at(-1);
    if (last?.leaving === Infinity) {
      last.leaving = model.now();
      this.#trace.push(`${last.leaving} ${user} leaves ${group} by ${this.#nodes.indexOf(node)}`);
      await node.chat.leave(user, group);
      last.end = model.now();
      this.#trace.push(`${last.end} ${user} left ${group}`);
      last.wasDisturbed = model.isDisturbed;
      return;
    }
    const stay = {
      start: model.now(),
      joined: Infinity,
      leaving: Infinity,
      end: Infinity,
      wasDisturbed: false,
    };
    this.#trace.push(`${stay.start} ${user} joins ${group} by ${this.#nodes.indexOf(node)}`);
    stays.push(stay);
    await node.chat.join(user, group);
    stay.joined = model.now();
    this.#trace.push(`${stay.joined} ${user} joined ${group}`);
  }

  async #renew(channel: string): Promise<void> {
    this.#model.mayLose.add(channel);
    this.#trace.push(`${this.#model.now()} renew ${channel}`);
    const history = this.#nodes[0]?.backend.history as History;
    const [position] = await history.positions([channel]);
    await history.renew(channel, position?.epoch ?? "");
  }

  /** Ends all sessions of a user, or one of them. Whoever is logged out logs in again. */
  async #logInOrOut(node: ModelNode, user: string, isAll: boolean): Promise<void> {
    this.#model.isDisturbed = true;
    const devices = this.#devices.filter((device) => device.user === user);
    const out = devices.filter(({ isLoggedIn }) => !isLoggedIn);
    const note = (what: string) => this.#trace.push(`${this.#model.now()} ${what} ${user}`);
    if (out.length > 0) {
      note("login");
      await Promise.all(out.map((device) => device.logInAgain()));
    } else if (isAll) {
      note("delete");
      await node.users.deleteUserSessions(user);
      for (const device of devices) device.ended();
      note("deleted");
    } else {
      note("logout");
      await this.#random.pick(devices).logOut();
    }
  }

  /** Ends all trouble, and waits until each client has what it must have. */
  async #heal(): Promise<void> {
    const model = this.#model;
    await Promise.all(this.#running);
    model.isHealing = true;
    for (const { line } of this.#nodes) line.isDeaf = false;
    await Promise.all(
      this.#devices.filter(({ isLoggedIn }) => !isLoggedIn).map((device) => device.logInAgain()),
    );
    if (this.#random.chance(0.5)) await this.#wait();
    const channels = [...GROUPS.map((group) => `group:${group}`), ...USERS.map((user) => `user:${user}`)];
    await Promise.all(this.#devices.map((device) => device.settled()));
    await Promise.all(channels.map((channel) => this.#send(this.#random.pick(this.#nodes), channel)));
    await this.#wait();
    model.isHealing = model.isDisturbed = false;
  }

  async #wait(): Promise<void> {
    await eventually(
      async () => {
        for (const { clock } of this.#nodes) await clock.advance(1_000);
        // What is wrong stays wrong.
        if (this.#mistakes().length > 0) return;
        const missing = this.#devices.flatMap((device) =>
          this.#model.missing(device).map((what) => `client ${device.id} of ${device.user} misses ${what}`),
        );
        if (missing.length > 0) throw new Error(missing.join("\n"));
      },
      // A client repeats a request that has no answer after 10 seconds.
      { withinMs: 15_000 },
    );
    if (this.#mistakes().length > 0) throw new Error(this.#mistakes().join("\n"));
  }

  #mistakes(): string[] {
    return this.#devices.flatMap((device) =>
      this.#model.mistakes(device).map((what) => `client ${device.id} of ${device.user}: ${what}`),
    );
  }
}
