import assert from "node:assert/strict";
import type { SessionData } from "express-session";
import type { Ending, EndReason } from "../../sessions/session-endings.ts";
import type { SessionStore, StoredSession } from "../../sessions/session-store.ts";
import {
  announcements,
  assertGone,
  assertStored,
  called,
  endingsHeard,
  insert,
  NO_CONNECTIONS,
  snapshot,
} from "./sessions.ts";
import type { RuleDeclarer } from "./suite-options.ts";

/** The end of a session is announced after the session is gone, whoever ends it. */
export function endingRules(rule: RuleDeclarer): void {
  for (const reason of ["session_ended", "session_replaced"] satisfies EndReason[]) {
    rule(`announces a removal as ${reason} before it resolves`, async (store) => {
      await insert(store, "a", {});
      await insert(store, "b", {});
      const heard = announcements(store);
      await store.remove("a", reason);
      assert.deepEqual(heard, [["a", reason]]);
      await assertGone(store, "a");
      await assertStored(store, "b", {});
    });

    rule(`tells listeners of a removal as ${reason}, with the contents of the session`, async (store) => {
      const { json } = await insert(store, "a", { user: { id: 7 }, list: [1] });
      await insert(store, "b", { user: { id: 8 } });
      const heard = endingsHeard(store);
      await store.remove("a", reason);
      assert.deepEqual(heard.map(withoutData), [{ sid: "a", reason }]);
      assert.deepEqual(plain(heard[0]?.data), JSON.parse(json));
    });
  }

  rule("knows for a while that a session was replaced, and only of such a session", async (store) => {
    for (const sid of ["replaced", "ended", "lives"]) await insert(store, sid, {});
    const atEnd: Promise<boolean>[] = [];
    // A reader that finds the session gone asks at this moment, so the answer must be known already.
    store.endings.onEnding(({ sid }) => atEnd.push(store.wasReplaced(sid)));
    await store.remove("replaced", "session_replaced");
    await store.remove("ended", "session_ended");
    assert.deepEqual(await Promise.all(atEnd), [true, false]);
    const sids = ["replaced", "ended", "lives", "never"];
    const known = await Promise.all(sids.map((sid) => store.wasReplaced(sid)));
    assert.deepEqual(known, [true, false, false, false]);
    await assertGone(store, "replaced");
    await assertStored(store, "lives", {});
  });

  rule("announces a removal only when the session is gone", async (store) => {
    await insert(store, "a", {});
    const found: Promise<StoredSession | undefined>[] = [];
    store.endings.hold({ ...NO_CONNECTIONS, end: (sid) => found.push(store.read(sid)) });
    store.endings.onEnding(({ sid }) => found.push(store.read(sid)));
    await store.remove("a", "session_ended");
    assert.deepEqual(await Promise.all(found), [undefined, undefined]);
  });

  rule("announces the removal of a session that is already gone or never existed", async (store) => {
    await insert(store, "a", {});
    await store.remove("a", "session_ended");
    const closed = announcements(store);
    const heard = endingsHeard(store);
    await store.remove("a", "session_replaced");
    await store.remove("never", "session_ended");
    assert.deepEqual(closed, [
      ["a", "session_replaced"],
      ["never", "session_ended"],
    ]);
    assert.deepEqual(
      heard.map(({ sid, reason, data }) => [sid, reason, data]),
      [
        ["a", "session_replaced", undefined],
        ["never", "session_ended", undefined],
      ],
    );
  });

  rule("does not announce a removal without a reason", async (store) => {
    const base = await insert(store, "a", { n: 1 });
    const closed = announcements(store);
    const heard = endingsHeard(store);
    await store.remove("a");
    await assertGone(store, "a");
    assert.deepEqual(await store.write("a", snapshot({ n: 2 }), base), { outcome: "deleted" });
    await store.remove("a");
    await store.remove("never");
    assert.deepEqual([closed, heard], [[], []]);
  });

  rule("removes and announces a session that cannot be read", async (store) => {
    const noSession = { n: 1 } as unknown as SessionData;
    await called((done) => store.expressStore.set("a", noSession, done));
    const heard = announcements(store);
    await store.remove("a", "session_ended");
    assert.deepEqual(heard, [["a", "session_ended"]]);
    await assertGone(store, "a");
  });

  const endings: Record<string, (store: SessionStore) => Promise<unknown>> = {
    "a removal": (store) => store.remove("a", "session_ended"),
    "a write with an expiry in the past": async (store) => {
      const base = await store.read("a");
      await store.write("a", snapshot({ n: 2 }, -1_000), base);
    },
    "a destroy of the express-session store": (store) =>
      called((done) => store.expressStore.destroy("a", done)),
  };

  for (const [what, end] of Object.entries(endings)) {
    rule(`resolves ${what} only after all listeners are done`, async (store) => {
      await insert(store, "a", { n: 1 });
      const order: string[] = [];
      const listened = gate();
      const asked = gate();
      store.endings.onEnding(() => order.push("the first listener"));
      store.endings.onEnding(async () => {
        asked.open();
        await listened.opened;
        order.push("the second listener");
      });
      const ending = end(store).then(() => order.push("the end"));
      await asked.opened;
      await assertGone(store, "a");
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(order, ["the first listener"]);
      listened.open();
      await ending;
      assert.deepEqual(order, ["the first listener", "the second listener", "the end"]);
    });

    rule(`tells listeners of ${what} the stored contents, not those of a writer`, async (store) => {
      const { json } = await insert(store, "a", { n: 1, user: 7 });
      const heard = endingsHeard(store);
      await end(store);
      assert.deepEqual(heard.map(withoutData), [{ sid: "a", reason: "session_ended" }]);
      assert.deepEqual(plain(heard[0]?.data), JSON.parse(json));
    });
  }

  rule("tells listeners the contents of the session that was last removed under an id", async (store) => {
    const heard = endingsHeard(store);
    for (const n of [1, 2]) {
      await insert(store, "a", { n });
      await store.remove("a", "session_ended");
    }
    assert.deepEqual(
      heard.map(({ data }) => (data as { n?: number } | undefined)?.n),
      [1, 2],
    );
  });

  rule("announces each of many removals at the same time, and tells the contents once", async (store) => {
    await insert(store, "a", { n: 1 });
    const heard = endingsHeard(store);
    await Promise.all(Array.from({ length: 10 }, () => store.remove("a", "session_ended")));
    assert.equal(heard.length, 10);
    assert.equal(heard.filter(({ data }) => data !== undefined).length, 1);
  });

  rule("calls every connection holder until it is released", async (store) => {
    const heard: string[] = [];
    const letGo = store.endings.hold({ ...NO_CONNECTIONS, end: (sid) => heard.push(`first ${sid}`) });
    store.endings.hold({ ...NO_CONNECTIONS, end: (sid) => heard.push(`second ${sid}`) });
    await store.remove("a", "session_ended");
    letGo();
    await store.remove("b", "session_ended");
    assert.deepEqual(heard, ["first a", "second a", "second b"]);
  });

  rule("announces a session that is ended through destroy of the express-session store", async (store) => {
    await insert(store, "a", {});
    const heard = announcements(store);
    await called((done) => store.expressStore.destroy("a", done));
    assert.deepEqual(heard, [["a", "session_ended"]]);
    await assertGone(store, "a");
  });

  rule("announces a session that is ended through destroy without a callback", async (store) => {
    await insert(store, "a", {});
    const announced = new Promise<Ending>((resolve) => store.endings.onEnding(resolve));
    store.expressStore.destroy("a");
    assert.equal((await announced).sid, "a");
    await assertGone(store, "a");
  });

  rule("announces a session that is ended through regenerate of the express-session store", async (store) => {
    await insert(store, "a", {});
    const heard = announcements(store);
    const { expressStore } = store;
    const generated: unknown[] = [];
    // A session middleware adds this method to its store.
    Object.assign(expressStore, { generate: (req: unknown) => generated.push(req) });
    const req = { sessionID: "a" } as Parameters<typeof expressStore.regenerate>[0];
    await called((done) => expressStore.regenerate(req, done));
    assert.deepEqual(generated, [req]);
    assert.deepEqual(
      heard.map(([sid]) => sid),
      ["a"],
    );
    await assertGone(store, "a");
  });
}

function withoutData({ sid, reason }: Ending): Ending {
  return { sid, reason };
}

/** The data as JSON has it. Some stores return a Cookie object, others its plain data. */
function plain(data: SessionData | undefined): unknown {
  return data && JSON.parse(JSON.stringify(data));
}

function gate(): { opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
