import assert from "node:assert/strict";
import type { Bus } from "../../bus/bus.ts";
import { eventually } from "../tools/eventually.ts";
import { inbox, untilHeard, untilQuiet } from "./bus-inbox.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** A line that is cut comes up again by itself, and the listeners of `onReconnect` are called. */
export function lineRules(rule: RuleDeclarer): void {
  rule.deviable("noFalseReconnect", "reports no reconnection while no line was down", async ({ buses }) => {
    let reconnections = 0;
    for (const bus of buses) bus.onReconnect(() => reconnections++);
    const heard = await Promise.all(["a", "b", "c", "d"].map((channel) => inbox(buses[0], channel)));
    for (const [at, channel] of ["a", "b", "c", "d"].entries()) {
      await buses[1].publish(channel, "hello");
      await untilHeard(heard[at] as string[], ["hello"]);
    }
    assert.equal(reconnections, 0);
  });

  rule.deviable(
    "lines",
    "calls all listeners of onReconnect when the line is up again",
    async ({ buses, cutLines }) => {
      const told = new Map<Bus, number>();
      for (const bus of new Set(buses)) {
        await inbox(bus, "a");
        bus.onReconnect(() => told.set(bus, (told.get(bus) ?? 0) + 1));
      }
      let alsoTold = false;
      buses[0].onReconnect(() => {
        alsoTold = true;
      });
      told.clear();
      await cutLines();
      await eventually(() => assert.ok(alsoTold && told.size === buses.length, `${told.size} were told`));
    },
  );

  rule.deviable(
    "lines",
    "receives messages on all channels after a reconnection",
    async ({ buses, cutLines }) => {
      const channels = Array.from({ length: 10 }, (_, n) => `channel ${n}`);
      const heard = await Promise.all(channels.map((channel) => inbox(buses[1], channel)));
      for (let cut = 1; cut <= 3; cut++) {
        const up = new Promise<void>((resolve) => buses[1].onReconnect(resolve));
        await cutLines();
        await up;
        await eventually(async () => {
          for (const channel of channels) await buses[0].publish(channel, `after cut ${cut}`);
          for (const messages of heard) assert.equal(messages.at(-1), `after cut ${cut}`);
        });
      }
      for (const messages of heard)
        assert.ok(!messages.some((message, at) => message < (messages[at - 1] ?? "")));
    },
  );

  rule.deviable(
    "lines",
    "reports the reconnection before the first message after a cut",
    async ({ buses, cutLines }) => {
      const [publisher, hearer] = buses;
      let isTold = true;
      hearer.onReconnect(() => {
        isTold = true;
      });
      for (let cut = 0; cut < 5; cut++) {
        const early: string[] = [];
        await hearer.subscribe(`channel ${cut}`, (message) => {
          if (!isTold) early.push(message);
        });
        isTold = false;
        await cutLines();
        // Publishes without a pause, so that some messages arrive while the line is being restored.
        await eventually(async () => {
          const until = Date.now() + 500;
          while (!isTold && Date.now() < until) {
            await Promise.all(Array.from({ length: 20 }, () => publisher.publish(`channel ${cut}`, "after")));
          }
          assert.ok(isTold, "nobody was told");
        });
        assert.deepEqual(early, []);
      }
    },
  );

  rule.deviable("lines", "receives each message once after several cuts", async ({ buses, cutLines }) => {
    const heard = await inbox(buses[1], "a");
    for (let cut = 0; cut < 3; cut++) {
      await cutLines();
      await eventually(async () => {
        await buses[0].publish("a", `cut ${cut}`);
        assert.equal(heard.at(-1), `cut ${cut}`);
      });
    }
    await buses[0].publish("a", "once");
    await untilQuiet(buses[0], "a", heard);
    assert.deepEqual(heard.slice(-2), ["once", "end"]);
  });

  rule.deviable("lines", "subscribes to a new channel after a cut", async ({ buses, cutLines }) => {
    await inbox(buses[1], "a");
    await cutLines();
    const heard = await inbox(buses[1], "b");
    await eventually(async () => {
      await buses[0].publish("b", "hello");
      assert.equal(heard.at(-1), "hello");
    });
  });

  rule.deviable(
    "lines",
    "publishes and renews leases while the lines are cut",
    async ({ buses, cutLines }) => {
      await inbox(buses[0], "a");
      await cutLines();
      await buses[0].publish("a", "hello");
      await buses[0].renewLease("a", 60_000);
      assert.deepEqual(await buses[1].liveNodes(), ["a"]);
    },
  );
}
