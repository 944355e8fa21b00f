import assert from "node:assert/strict";
import { eventually } from "../tools/eventually.ts";
import { inbox, untilHeard, untilQuiet } from "./bus-inbox.ts";
import type { RuleDeclarer } from "./suite-options.ts";

const oddTexts = [
  "",
  " ",
  "\u0000",
  "line\r\nbreak\n",
  "漢字 🦆 e\u0301 é",
  '{"json":[1,"\\u0000"]}',
  "*1\r\n$4\r\nPING\r\n",
  "漢".repeat(35_000),
  "x".repeat(102_400),
];

const oddChannels = [
  "a",
  "A",
  "a:",
  "a:b",
  "a*",
  "?",
  "[a]",
  "{a}",
  "{a",
  "{}",
  "a b",
  "漢字 🦆",
  "__proto__",
];

/** A message reaches exactly the listeners that subscribed before. It arrives unchanged and in order. */
export function messageRules(rule: RuleDeclarer): void {
  rule("a message reaches all subscribers once, the publisher too", async ({ buses }) => {
    const heard = await Promise.all(buses.map((bus) => inbox(bus, "a")));
    await buses[0].publish("a", "hello");
    await buses[0].publish("a", "end");
    for (const messages of heard) await untilHeard(messages, ["hello", "end"]);
  });

  rule("a message from a node without a subscription reaches the subscribers", async ({ buses }) => {
    const heard = await inbox(buses[1], "a");
    await buses[0].publish("a", "hello");
    await untilHeard(heard, ["hello"]);
  });

  rule("publishing without any subscriber is no error", async ({ buses }) => {
    await buses[0].publish("a", "hello");
  });

  rule("a message does not reach a node that subscribes after it was published", async ({ buses }) => {
    const early = await inbox(buses[1], "a");
    await buses[0].publish("a", "before");
    await untilHeard(early, ["before"]);
    const late = await inbox(buses[2], "a");
    await untilQuiet(buses[0], "a", late);
    assert.deepEqual(late, ["end"]);
  });

  rule("a message arrives unchanged, whatever its size and content", async ({ buses }) => {
    const heard = await Promise.all(buses.map((bus) => inbox(bus, "a")));
    for (const text of oddTexts) await buses[0].publish("a", text);
    for (const messages of heard) await untilHeard(messages, oddTexts);
  });

  rule("a message arrives on its own channel only, whatever the channel's name", async ({ buses }) => {
    const heard = new Map(
      await Promise.all(
        oddChannels.map(async (channel) => [channel, await inbox(buses[1], channel)] as const),
      ),
    );
    for (const channel of oddChannels) await buses[0].publish(channel, `on ${channel}`);
    for (const channel of ["aa", "a:bc", "b"]) await buses[0].publish(channel, "to nobody");
    for (const channel of oddChannels) await buses[0].publish(channel, "end");
    for (const [channel, messages] of heard) await untilHeard(messages, [`on ${channel}`, "end"]);
  });

  rule("1 000 messages that are sent without waiting arrive in order", async ({ buses }) => {
    const heard = await Promise.all(buses.map((bus) => inbox(bus, "a")));
    const messages = Array.from({ length: 1_000 }, (_, n) => `${n}`);
    await Promise.all(messages.map((message) => buses[0].publish("a", message)));
    for (const each of heard) await untilHeard(each, messages);
  });

  rule("messages of several publishers arrive in the order of each publisher", async ({ buses }) => {
    const heard = await Promise.all(buses.map((bus) => inbox(bus, "a")));
    const numbers = Array.from({ length: 300 }, (_, n) => n);
    await Promise.all(
      buses.flatMap((bus, from) => numbers.map((number) => bus.publish("a", `${from} ${number}`))),
    );
    for (const messages of heard) {
      await eventually(() => assert.equal(messages.length, 900));
      for (const from of [0, 1, 2]) {
        const own = messages.filter((message) => message.startsWith(`${from} `));
        assert.deepEqual(
          own,
          numbers.map((number) => `${from} ${number}`),
        );
      }
    }
  });

  rule("a listener may publish while it is called", async ({ buses }) => {
    const heard = await inbox(buses[0], "answers");
    await buses[1].subscribe("questions", (message) => void buses[1].publish("answers", `re: ${message}`));
    await buses[0].publish("questions", "why?");
    await untilHeard(heard, ["re: why?"]);
  });

  rule("no message arrives at a bus that has closed", async ({ buses }) => {
    const heard = await Promise.all(buses.map((bus) => inbox(bus, "a")));
    await Promise.all(buses.map((bus) => bus.close()));
    await Promise.all(buses.map((bus) => bus.close()));
    await buses[0].publish("a", "late").catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(heard, [[], [], []]);
  });

  rule.deviable(
    "ownClose",
    "a message still reaches the other nodes after one bus has closed",
    async ({ buses }) => {
      const [closed, ...open] = await Promise.all(buses.map((bus) => inbox(bus, "a")));
      await buses[0].close();
      await buses[1].publish("a", "hello");
      for (const messages of open) await untilHeard(messages, ["hello"]);
      assert.deepEqual(closed, []);
    },
  );
}
