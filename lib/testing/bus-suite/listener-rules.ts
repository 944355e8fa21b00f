import assert from "node:assert/strict";
import type { Bus, MessageListener } from "../../bus/bus.ts";
import { eventually } from "../tools/eventually.ts";
import { pause } from "../tools/interleaving.ts";
import { seededRandom } from "../tools/random.ts";
import { range } from "../tools/range.ts";
import { inbox, untilHeard, untilQuiet } from "./bus-inbox.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** One listener, with what it has heard. */
interface Ear {
  readonly heard: string[];
  readonly listener: MessageListener;
}

function ear(): Ear {
  const heard: string[] = [];
  return { heard, listener: (message) => void heard.push(message) };
}

/** A channel has several listeners, each of which comes and goes by itself. */
export function listenerRules(rule: RuleDeclarer): void {
  rule("reaches all listeners of a channel on one node, once each and in order", async ({ buses }) => {
    const ears = range(5).map(ear);
    await Promise.all(ears.map(({ listener }) => buses[1].subscribe("a", listener)));
    const messages = range(50).map((n) => `${n}`);
    await Promise.all(messages.map((message) => buses[0].publish("a", message)));
    for (const { heard } of ears) await untilHeard(heard, messages);
  });

  rule("reaches a listener no more that has unsubscribed, and still the others", async ({ buses }) => {
    const [goes, stays] = [ear(), ear()];
    for (const { listener } of [goes, stays]) await buses[1].subscribe("a", listener);
    const elsewhere = await inbox(buses[2], "a");
    await buses[0].publish("a", "before");
    await untilHeard(goes.heard, ["before"]);
    await buses[1].unsubscribe("a", goes.listener);
    await buses[0].publish("a", "after");
    for (const heard of [stays.heard, elsewhere]) await untilHeard(heard, ["before", "after"]);
    assert.deepEqual(goes.heard, ["before"]);
  });

  rule("reaches nobody on a channel whose last listener has unsubscribed", async ({ buses }) => {
    const [goes, other] = [ear(), ear()];
    await buses[1].subscribe("a", goes.listener);
    await buses[1].subscribe("b", other.listener);
    await buses[1].unsubscribe("a", goes.listener);
    await buses[0].publish("a", "to nobody");
    await untilQuiet(buses[0], "b", other.heard);
    assert.deepEqual([goes.heard, other.heard], [[], ["end"]]);
  });

  rule("takes a listener off the channel that it names only", async ({ buses }) => {
    const { heard, listener } = ear();
    for (const channel of ["a", "b"]) await buses[1].subscribe(channel, listener);
    await buses[1].unsubscribe("a", listener);
    await buses[0].publish("a", "on a");
    await buses[0].publish("b", "on b");
    await untilQuiet(buses[0], "b", heard);
    assert.deepEqual(heard, ["on b", "end"]);
  });

  rule("is no error for a listener that has not subscribed, and harms no other one", async ({ buses }) => {
    for (const bus of buses) await bus.unsubscribe("never", () => {});
    const [stays, goes] = [ear(), ear()];
    for (const { listener } of [stays, goes]) await buses[1].subscribe("a", listener);
    await buses[1].unsubscribe("a", () => {});
    for (let n = 0; n < 3; n++) await buses[1].unsubscribe("a", goes.listener);
    await buses[1].unsubscribe("b", stays.listener);
    await buses[0].publish("a", "hello");
    await untilHeard(stays.heard, ["hello"]);
    assert.deepEqual(goes.heard, []);
  });

  rule("reaches a listener once that subscribes again", async ({ buses }) => {
    const { heard, listener } = ear();
    for (let n = 0; n < 5; n++) {
      await buses[1].subscribe("a", listener);
      await buses[0].publish("a", `${n}`);
      await eventually(() => assert.equal(heard.at(-1), `${n}`));
      await buses[1].unsubscribe("a", listener);
    }
    assert.deepEqual(heard, ["0", "1", "2", "3", "4"]);
  });

  rule("calls a listener no more once it has unsubscribed, with messages on their way", async ({ buses }) => {
    const stays = await inbox(buses[1], "a");
    for (const round of range(10)) {
      const goes = ear();
      await buses[1].subscribe("a", goes.listener);
      const publishing = range(50).map((n) => buses[0].publish("a", `${round} ${n}`));
      await buses[1].unsubscribe("a", goes.listener);
      const heardThen = goes.heard.length;
      await Promise.all(publishing);
      await buses[0].publish("a", "end");
      // By its count: the last that was heard may be the end of the round before.
      await eventually(() => assert.equal(stays.length, 51 * (round + 1)));
      assert.equal(goes.heard.length, heardThen);
    }
  });

  rule("lets a listener unsubscribe from within, and reaches the others all the same", async ({ buses }) => {
    const order: string[] = [];
    const unsubscribed: Promise<void>[] = [];
    const once: MessageListener = (message) => {
      order.push(`once ${message}`);
      unsubscribed.push(buses[1].unsubscribe("a", once));
    };
    const before = await inbox(buses[1], "a");
    await buses[1].subscribe("a", once);
    const after = await inbox(buses[1], "a");
    await buses[0].publish("a", "1");
    await eventually(() => assert.equal(unsubscribed.length, 1));
    await Promise.all(unsubscribed);
    await buses[0].publish("a", "2");
    for (const heard of [before, after]) await untilHeard(heard, ["1", "2"]);
    assert.deepEqual(order, ["once 1"]);
  });

  rule("reaches exactly those who have subscribed last, however they come and go", async ({ buses }) => {
    for (const seed of range(25)) await raceListeners(buses, seed);
  });

  rule.deviable(
    "lines",
    "reaches a listener no more after a cut that unsubscribed before",
    async ({ buses, cutLines }) => {
      const [goes, stays] = [ear(), ear()];
      for (const { listener } of [goes, stays]) await buses[1].subscribe("a", listener);
      await buses[1].subscribe("b", goes.listener);
      for (const channel of ["a", "b"]) await buses[1].unsubscribe(channel, goes.listener);
      await cutLines();
      await eventually(async () => {
        for (const channel of ["b", "a"]) await buses[0].publish(channel, "up?");
        assert.equal(stays.heard.at(-1), "up?");
      });
      assert.deepEqual(goes.heard, []);
    },
  );
}

/** Subscribes and unsubscribes listeners of a few channels, each in a row of its own and all rows at the same time. */
async function raceListeners(buses: readonly Bus[], seed: number): Promise<void> {
  const channels = ["a", "b", "c"].map((name) => `seed ${seed} ${name}`);
  const rows = range(12).map((n) => {
    const random = seededRandom(100 * seed + n);
    return { random, ...ear(), bus: random.pick(buses), channel: random.pick(channels), isOn: false };
  });
  await Promise.all(
    rows.map(async (row) => {
      for (let steps = row.random.int(6); steps > 0; steps--) {
        await pause(row.random);
        await (row.isOn
          ? row.bus.unsubscribe(row.channel, row.listener)
          : row.bus.subscribe(row.channel, row.listener));
        row.isOn = !row.isOn;
      }
    }),
  );
  const ends = await Promise.all(
    channels.flatMap((channel) => buses.map(async (bus) => ({ channel, heard: await inbox(bus, channel) }))),
  );
  for (const channel of channels) await (buses[0] as Bus).publish(channel, "hello");
  for (const channel of channels) await (buses[0] as Bus).publish(channel, "end");
  for (const { heard } of ends) await untilHeard(heard, ["hello", "end"]);
  for (const [at, { heard, isOn }] of rows.entries()) {
    assert.deepEqual(heard, isOn ? ["hello", "end"] : [], `seed ${seed}, listener ${at}`);
  }
}
