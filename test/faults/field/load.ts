import { setTimeout as delay } from "node:timers/promises";
import type { Device } from "./device.ts";
import type { World } from "./world.ts";

const GROUPS = ["g0", "g1", "g2"];

/** The constant work of users and app, until it is stopped. */
export class Load {
  /** Cookies of ended sessions that still opened a session. */
  readonly letIn: string[] = [];
  readonly #world: World;
  readonly #loops: Promise<void>[] = [];
  readonly #busy = new Set<string>();
  #isStopped = false;
  #isQuiet = false;

  constructor(world: World) {
    this.#world = world;
    this.#loop(25, () => this.#isQuiet || this.#send());
    this.#loop(30, () => this.#visit());
    this.#loop(100, () => this.#isQuiet || this.#changeGroup());
    this.#loop(700, () => this.#isQuiet || this.#deleteSessions());
  }

  /** Stops ends of sessions, joins, leaves and sends. Messages that are sent later must arrive in order. */
  async quiet(): Promise<void> {
    this.#isQuiet = true;
    while (this.#busy.size > 0) await delay(50);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
  }

  #loop(everyMs: number, step: () => unknown): void {
    const run = async () => {
      const running = new Set<unknown>();
      while (!this.#isStopped) {
        const done = Promise.resolve(step()).catch(() => {});
        running.add(done.finally(() => running.delete(done)));
        await delay(everyMs);
      }
      await Promise.all(running);
    };
    this.#loops.push(run());
  }

  /** Runs the steps of one kind in order. */
  async #once(key: string, step: () => Promise<unknown>): Promise<void> {
    if (this.#busy.has(key)) return;
    this.#busy.add(key);
    await step().finally(() => this.#busy.delete(key));
  }

  async #send(): Promise<void> {
    const { random, ledger } = this.#world;
    const by = random.pick(this.#world.urls());
    if (!by) return;
    const to =
      random.int(2) === 0
        ? { user: (random.pick(this.#world.devices) as Device).user }
        : { group: random.pick(GROUPS) as string };
    await this.#once(`${by} ${JSON.stringify(to)}`, () => ledger.send(by, to));
  }

  async #visit(): Promise<void> {
    const { random, devices } = this.#world;
    const device = random.pick(devices) as Device;
    if (random.int(2) === 0) await device.request("/me", device.cookie, "GET");
    else await device.request(`/change/${random.int(1_000)}`);
  }

  async #changeGroup(): Promise<void> {
    const { random, devices, ledger } = this.#world;
    const { user } = random.pick(devices) as Device;
    const group = random.pick(GROUPS) as string;
    const kind = random.int(2) === 0 ? "join" : "leave";
    const by = random.pick(this.#world.urls());
    if (by) await this.#once(`${user} ${group}`, () => ledger.change(by, { kind, user, group }));
  }

  async #deleteSessions(): Promise<void> {
    const { random, devices, ledger } = this.#world;
    const device = random.pick(devices) as Device;
    const by = random.pick(this.#world.urls());
    if (!by) return;
    await this.#once(`delete ${device.user}`, async () => {
      const { cookie } = device;
      const { ackedAt } = await ledger.change(by, { kind: "delete", user: device.user });
      if (ackedAt === undefined) return;
      const { status, body } = await device.request("/me", cookie, "GET");
      if (status === 200 && (body as { user: string | null }).user === device.user)
        this.letIn.push(device.user);
      await device.logIn();
    });
  }
}
