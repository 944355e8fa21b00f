import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { Channel } from "./channel.ts";
import type { Device } from "./device.ts";
import type { Users } from "./household.ts";

export interface Done {
  sends: number;
  returns: number;
  /** Joins with their leaves. */
  joins: number;
}

/** In a second, of 10,000 connections. */
const RATES = { groupSends: 8, userSends: 25, returns: 15, joins: 8 };
const STEP_MS = 100;
/** What is under way at most; a server that is behind is given less. */
const MAX_UNDER_WAY = 500;
const withinMs = 60_000;

/** The constant work of users, until it is stopped. */
export class Load {
  readonly done: Done = { sends: 0, returns: 0, joins: 0 };
  readonly #users: Users;
  readonly #underWay = new Set<Promise<void>>();
  readonly #busy = new Set<Device[]>();
  readonly #due: Record<keyof typeof RATES, number> = {
    groupSends: 0,
    userSends: 0,
    returns: 0,
    joins: 0,
  };
  #joined = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(users: Users) {
    this.#users = users;
  }

  /** Begins. `haste` is how many times as often connections come back and groups are joined. */
  start(haste = 1): void {
    const [groups, users] = [true, false].map((areGroups) =>
      [...this.#users.listeners.keys()].filter(({ to }) => "group" in to === areGroups),
    ) as [Channel[], Channel[]];
    const steps: Record<keyof typeof RATES, () => Promise<void>> = {
      groupSends: () => this.#send(pick(groups)),
      userSends: () => this.#send(pick(users)),
      returns: () => this.#alone(([device]) => this.#comeBack(device as Device)),
      joins: () => this.#alone((pair) => this.#joinAndLeave(pair)),
    };
    const rates = { ...RATES, returns: RATES.returns * haste, joins: RATES.joins * haste };
    let before = Date.now();
    this.#timer = setInterval(() => {
      const now = Date.now();
      const share = (this.#users.devices.length / 10_000) * ((now - before) / 1_000);
      before = now;
      for (const [kind, step] of Object.entries(steps) as [keyof typeof RATES, () => Promise<void>][])
        for (this.#due[kind] += rates[kind] * share; this.#due[kind] >= 1; this.#due[kind]--) this.#run(step);
    }, STEP_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  #run(step: () => Promise<void>): void {
    if (this.#underWay.size >= MAX_UNDER_WAY) return;
    const running: Promise<void> = step()
      .catch((error: unknown) => this.#users.wrong(String(error)))
      .finally(() => this.#underWay.delete(running));
    this.#underWay.add(running);
  }

  async #send(channel: Channel | undefined): Promise<void> {
    const sender = pick(pick(this.#users.steady) ?? []);
    if (channel && (await channel.send((data) => sender?.ask("send", data) ?? Promise.reject())))
      this.done.sends++;
  }

  /** Does something with one of those who come and go, of whom nothing else is under way. */
  async #alone(step: (pair: Device[]) => Promise<void>): Promise<void> {
    const pair = pick(this.#users.moving);
    if (!pair || this.#busy.has(pair)) return;
    this.#busy.add(pair);
    await step(pair).finally(() => this.#busy.delete(pair));
  }

  async #comeBack(device: Device): Promise<void> {
    await device.close(Math.random() < 0.5 ? "close" : "terminate");
    await delay(Math.random() * 8_000);
    await device.open();
    this.done.returns++;
  }

  /** Messages during a membership arrive on both devices, and messages after the leave on none. */
  async #joinAndLeave(pair: Device[]): Promise<void> {
    const [first, second] = pair as [Device, Device];
    const channel = new Channel({ group: `visited-by-${first.user}-${++this.#joined}` });
    const { group } = channel.to as { group: string };
    await first.ask("join", { group });
    await channel.send((data) => second.ask("send", data));
    await eventually(() => assert.ok(pair.every((device) => device.lastHeard(channel) === 1)), { withinMs });
    await second.ask("leave", { group });
    await channel.send((data) => first.ask("send", data));
    // Comes after it, by the same line of the node.
    const user = new Channel({ user: first.user });
    const n = ++this.#joined;
    await first.ask("send", { user: first.user, n });
    await eventually(() => assert.ok(pair.every((device) => device.lastHeard(user) === n)), { withinMs });
    assert.ok(
      pair.every((device) => device.lastHeard(channel) === 1),
      `${first.user} has heard what was sent after a leave`,
    );
    for (const device of pair) device.forget(channel);
    this.done.joins++;
  }
}

function pick<T>(from: readonly T[]): T | undefined {
  return from[Math.floor(Math.random() * from.length)];
}
