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

/** A message goes to whoever subscribed before it was published, whole and in order, and to nobody else. */
export function messageRules(rule: RuleDeclarer): void {
  rule("reaches all who have subscribed, the publisher too, once each", async ({ buses }) => {
    const heard = await Promise.all(buses.map((bus) => inbox(bus, "a")));
    await buses[0].publish("a", "hello");
    await buses[0].publish("a", "end");
    for (const messages of heard) await untilHeard(messages, ["hello", "end"]);
  });

  rule("reaches who has subscribed from those who have not", async ({ buses }) => {
    const heard = await inbox(buses[1], "a");
    await buses[0].publish("a", "hello");
    await untilHeard(heard, ["hello"]);
  });

  rule("is no error if nobody has subscribed", async ({ buses }) => {
    await buses[0].publish("a", "hello");
  });

  rule("does not reach who subscribes after it was published", async ({ buses }) => {
    const early = await inbox(buses[1], "a");
    await buses[0].publish("a", "before");
    await untilHeard(early, ["before"]);
    const late = await inbox(buses[2], "a");
    await untilQuiet(buses[0], "a", late);
    assert.deepEqual(late, ["end"]);
  });

  rule("arrives as it was sent, however large and whatever is in it", async ({ buses }) => {
    const heard = await Promise.all(buses.map((bus) => inbox(bus, "a")));
    for (const text of oddTexts) await buses[0].publish("a", text);
    for (const messages of heard) await untilHeard(messages, oddTexts);
  });

  rule("arrives on its own channel only, whatever its name", async ({ buses }) => {
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

  rule("arrives in order, 1 000 that were sent without waiting", async ({ buses }) => {
    const heard = await Promise.all(buses.map((bus) => inbox(bus, "a")));
    const messages = Array.from({ length: 1_000 }, (_, n) => `${n}`);
    await Promise.all(messages.map((message) => buses[0].publish("a", message)));
    for (const each of heard) await untilHeard(each, messages);
  });

  rule("arrives in each publisher's order when all publish at once", async ({ buses }) => {
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

  rule("may be answered from within its listener", async ({ buses }) => {
    const heard = await inbox(buses[0], "answers");
    await buses[1].subscribe("questions", (message) => void buses[1].publish("answers", `re: ${message}`));
    await buses[0].publish("questions", "why?");
    await untilHeard(heard, ["re: why?"]);
  });

  rule("arrives no more once its hearer has closed", async ({ buses }) => {
    const heard = await Promise.all(buses.map((bus) => inbox(bus, "a")));
    await Promise.all(buses.map((bus) => bus.close()));
    await Promise.all(buses.map((bus) => bus.close()));
    await buses[0].publish("a", "late").catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(heard, [[], [], []]);
  });

  rule.deviable("ownClose", "still reaches the others when one has closed", async ({ buses }) => {
    const [closed, ...open] = await Promise.all(buses.map((bus) => inbox(bus, "a")));
    await buses[0].close();
    await buses[1].publish("a", "hello");
    for (const messages of open) await untilHeard(messages, ["hello"]);
    assert.deepEqual(closed, []);
  });
}
