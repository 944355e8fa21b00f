import { setTimeout as delay } from "node:timers/promises";
import { inParallel } from "../../bench/in-parallel.ts";
import { Browser } from "../support/browser.ts";
import { Channel } from "./channel.ts";
import { Device, type Figures, type Household } from "./device.ts";

export interface HouseholdOptions {
  url: string;
  /** Its users, of whom each has two devices. */
  users: readonly string[];
  /** Sources of connections, where one address has too few ports. */
  addresses: readonly (string | undefined)[];
}

/** Of ten users two come and go, and all others stay. */
const MOVING = 2;
const GROUP_SIZE = 50;
const OPENING_AT_ONCE = 25;
const BEAT_EVERY_MS = 20_000;
const BEAT_STEP_MS = 100;

/** The users of one process. */
export class Users implements Household {
  readonly url: string;
  readonly channels = new Map<string, Channel>();
  readonly figures: Figures = {
    beats: 0,
    beatsAnswered: 0,
    opened: 0,
    closed: 0,
    heard: 0,
    lost: 0,
  };
  readonly violations: string[] = [];
  readonly steady: Device[][] = [];
  readonly moving: Device[][] = [];
  /** All of them, as they come. */
  readonly devices: Device[] = [];
  /** Who hears a channel to its end. */
  readonly listeners = new Map<Channel, Device[]>();
  readonly #options: HouseholdOptions;
  #beating: NodeJS.Timeout | undefined;
  #due = 0;
  #turn = 0;

  constructor(options: HouseholdOptions) {
    this.url = options.url;
    this.#options = options;
  }

  readonly wrong = (what: string): void => {
    if (this.violations.length < 100) this.violations.push(what);
  };

  /** All beat from the start: opening may take longer than a silent connection lives. Logs all users in, and opens the connections of all their devices. */
  async open(): Promise<void> {
    const { users, addresses } = this.#options;
    let made = 0;
    this.#beating = setInterval(() => this.#beat(), BEAT_STEP_MS);
    await inParallel(OPENING_AT_ONCE, users.entries(), async ([at, user]) => {
      const cookie = await this.#logIn(user);
      const address = () => addresses[made++ % addresses.length];
      const devices = [0, 1].map(() => new Device(user, cookie, address(), this));
      for (const device of devices) {
        await device.open();
        this.devices.push(device);
      }
      (at % 10 < MOVING ? this.moving : this.steady).push(devices);
    });
    for (let at = 0; at < this.steady.length; at += GROUP_SIZE)
      await this.#group(this.steady.slice(at, at + GROUP_SIZE));
    for (const devices of this.steady) this.#listen(new Channel({ user: devices[0]?.user ?? "" }), devices);
  }

  /** Waits for what is on its way, then looks whether each steady device has heard all to the end. */
  async judge(): Promise<void> {
    for (let second = 0; second < 30 && this.#missing() > 0; second++) await delay(1_000);
    this.figures.lost += this.#missing();
    if (this.figures.lost > 0) this.wrong(`${this.figures.lost} acknowledged messages were not heard`);
    const unanswered = this.figures.beats - this.figures.beatsAnswered;
    // A beat on a line that is closed next is not answered.
    if (unanswered > this.figures.closed) this.wrong(`${unanswered} heartbeats were not answered`);
  }

  async close(): Promise<void> {
    clearInterval(this.#beating);
    const closing = this.devices.map((device, at) => device.close(at % 2 === 0 ? "close" : "terminate"));
    await Promise.all(closing);
  }

  /** One after the other, each in every `BEAT_EVERY_MS`. */
  #beat(): void {
    this.#due += (this.devices.length * BEAT_STEP_MS) / BEAT_EVERY_MS;
    for (; this.#due >= 1; this.#due--) {
      this.#turn = (this.#turn + 1) % this.devices.length;
      this.devices[this.#turn]?.beat();
    }
  }

  #missing(): number {
    let missing = 0;
    for (const [channel, devices] of this.listeners)
      for (const device of devices)
        missing += channel.acknowledgedBetween(device.lastHeard(channel), channel.settled + 1);
    return missing;
  }

  async #logIn(user: string): Promise<string> {
    const browser = new Browser(this.url, { keepAlive: false });
    const { status } = await browser.post(`/log-in/${user}`, { withinMs: 60_000 });
    if (status !== 200) throw new Error(`a login was answered with ${status}`);
    return Array.from(browser.cookies, ([name, value]) => `${name}=${value}`).join("; ");
  }

  async #group(members: readonly Device[][]): Promise<void> {
    const group = `group-${members[0]?.[0]?.user}`;
    await inParallel(OPENING_AT_ONCE, members, async ([device]) => device?.ask("join", { group }));
    this.#listen(new Channel({ group }), members.flat());
  }

  #listen(channel: Channel, devices: Device[]): void {
    this.channels.set(channel.name, channel);
    this.listeners.set(channel, devices);
  }
}
