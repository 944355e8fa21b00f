import { setImmediate as turn } from "node:timers/promises";
import { messages, nextMessage } from "../../support/browser.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { serve } from "../support.ts";
import { modelPlaces } from "./model-nodes.ts";
import { clientOf, loseMessages } from "./support.ts";

/** Regression: such a node read from history what was sent after the leave, since nobody could tell it of the leave. */
test.each(modelPlaces)(
  "a node on $place that hears nothing delivers nothing that it reads",
  async ({ open }) => {
    const [here, there] = (await open()).map(({ backend }) => backend);
    if (!here || !there) throw new Error("There are two backends.");
    const line = loseMessages(here);
    const clock = new FakeClock();
    const realtime = { history: {}, clock, inactivityThresholdSeconds: 10_000 };
    const node = await serve({ backend: here, realtime });
    const other = await serve({ backend: there, realtime: { history: {} } });
    for (const user of ["ada", "bob"]) await node.chat.join(user, "room");
    const ada = await clientOf(node, "ada");
    const bob = await clientOf(node, "bob");
    await other.chat.group("room").send("said", { n: 0 });
    for (const { ws } of [ada, bob])
      expect(JSON.parse(await nextMessage(ws))).toMatchObject({ data: { n: 0 } });
    line.isDeaf = true;
    await other.chat.leave("ada", "room");
    await other.chat.group("room").send("said", { n: 1 });
    for (let n = 0; n < 30; n++) {
      await clock.advance(1_000);
      for (let turns = 0; turns < 20; turns++) await turn();
    }
    expect(
      [...messages(ada.ws).all, ...messages(bob.ws).all].filter((each) => String(each).includes('"n":1')),
    ).toEqual([]);
    line.isDeaf = false;
    // Its line is up again, so others can tell it.
    await other.chat.join("ada", "other");
    await other.chat.leave("ada", "room");
    const heard = nextMessage(bob.ws);
    let isHeard = false;
    void heard.then(() => {
      isHeard = true;
    });
    await eventually(async () => {
      await clock.advance(1_000);
      expect(isHeard).toBe(true);
    });
    expect(JSON.parse(await heard)).toMatchObject({ data: { n: 1 }, offset: 2 });
  },
);
