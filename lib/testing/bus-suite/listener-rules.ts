import assert from "node:assert/strict";
import type { Bus, MessageListener } from "../../bus/bus.ts";
import { eventually } from "../tools/eventually.ts";
import { pause } from "../tools/interleaving.ts";
import { seededRandom } from "../tools/random.ts";
import { range } from "../tools/range.ts";
import { inbox, untilHeard, untilQuiet } from "./bus-inbox.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** One listener, with the messages that it has received. */
interface Ear {
  readonly heard: string[];
  readonly listener: MessageListener;
}

function ear(): Ear {
  const heard: string[] = [];
  return { heard, listener: (message) => void heard.push(message) };
}

/** A channel may have several listeners. Each subscribes and unsubscribes on its own. */
export function listenerRules(rule: RuleDeclarer): void {
  rule("a message reaches each listener of a channel on one node once, in order", async ({ buses }) => {
    const ears = range(5).map(ear);
    await Promise.all(ears.map(({ listener }) => buses[1].subscribe("a", listener)));
    const messages = range(50).map((n) => `${n}`);
    await Promise.all(messages.map((message) => buses[0].publish("a", message)));
    for (const { heard } of ears) await untilHeard(heard, messages);
  });

  rule(
    "a message does not reach a listener that has unsubscribed, and still reaches the others",
    async ({ buses }) => {
      const [goes, stays] = [ear(), ear()];
      for (const { listener } of [goes, stays]) await buses[1].subscribe("a", listener);
      const elsewhere = await inbox(buses[2], "a");
      await buses[0].publish("a", "before");
      await untilHeard(goes.heard, ["before"]);
      await buses[1].unsubscribe("a", goes.listener);
      await buses[0].publish("a", "after");
      for (const heard of [stays.heard, elsewhere]) await untilHeard(heard, ["before", "after"]);
      assert.deepEqual(goes.heard, ["before"]);
    },
  );

  rule(
    "a message reaches nobody after the last listener of its channel has unsubscribed",
    async ({ buses }) => {
      const [goes, other] = [ear(), ear()];
      await buses[1].subscribe("a", goes.listener);
      await buses[1].subscribe("b", other.listener);
      await buses[1].unsubscribe("a", goes.listener);
      await buses[0].publish("a", "to nobody");
      await untilQuiet(buses[0], "b", other.heard);
      assert.deepEqual([goes.heard, other.heard], [[], ["end"]]);
    },
  );

  rule("unsubscribing ends one channel of a listener, and keeps its other channels", async ({ buses }) => {
    const { heard, listener } = ear();
    for (const channel of ["a", "b"]) await buses[1].subscribe(channel, listener);
    await buses[1].unsubscribe("a", listener);
    await buses[0].publish("a", "on a");
    await buses[0].publish("b", "on b");
    await untilQuiet(buses[0], "b", heard);
    assert.deepEqual(heard, ["on b", "end"]);
  });

  rule(
    "unsubscribing a listener that has not subscribed is no error, and keeps the others",
    async ({ buses }) => {
      for (const bus of buses) await bus.unsubscribe("never", () => {});
      const [stays, goes] = [ear(), ear()];
      for (const { listener } of [stays, goes]) await buses[1].subscribe("a", listener);
      await buses[1].unsubscribe("a", () => {});
      for (let n = 0; n < 3; n++) await buses[1].unsubscribe("a", goes.listener);
      await buses[1].unsubscribe("b", stays.listener);
      await buses[0].publish("a", "hello");
      await untilHeard(stays.heard, ["hello"]);
      assert.deepEqual(goes.heard, []);
    },
  );

  rule("a listener that subscribes again receives each message once", async ({ buses }) => {
    const { heard, listener } = ear();
    for (let n = 0; n < 5; n++) {
      await buses[1].subscribe("a", listener);
      await buses[0].publish("a", `${n}`);
      await eventually(() => assert.equal(heard.at(-1), `${n}`));
      await buses[1].unsubscribe("a", listener);
    }
    assert.deepEqual(heard, ["0", "1", "2", "3", "4"]);
  });

  rule(
    "a listener is not called after it has unsubscribed, even with messages under way",
    async ({ buses }) => {
      const stays = await inbox(buses[1], "a");
      for (const round of range(10)) {
        const goes = ear();
        await buses[1].subscribe("a", goes.listener);
        const publishing = range(50).map((n) => buses[0].publish("a", `${round} ${n}`));
        await buses[1].unsubscribe("a", goes.listener);
        const heardThen = goes.heard.length;
        await Promise.all(publishing);
        await buses[0].publish("a", "end");
        // Counts the messages, because the last "end" may be the one of the round before.
        await eventually(() => assert.equal(stays.length, 51 * (round + 1)));
        assert.equal(goes.heard.length, heardThen);
      }
    },
  );

  rule(
    "a listener may unsubscribe while it is called, and the others are still called",
    async ({ buses }) => {
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
    },
  );

  rule("a message reaches exactly the listeners that are subscribed after a race", async ({ buses }) => {
    for (const seed of range(25)) await raceListeners(buses, seed);
  });

  rule.deviable(
    "lines",
    "a listener that unsubscribed before a cut is not called after it",
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

/** Subscribes and unsubscribes several listeners at the same time, each on one of a few channels. */
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
