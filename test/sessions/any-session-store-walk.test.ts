import session, { type SessionData, type Store } from "express-session";
import { AnySessionStore } from "../../lib/sessions/any-session-store.ts";
import {
  contentsOf,
  insert,
  sessionData,
  snapshotOf,
} from "../../lib/testing/session-store-suite/sessions.ts";

type Answer<T = void> = (error?: unknown, value?: T) => void;

/** How the results of the optional `all` of existing stores are used. */
describe("AnySessionStore walking", () => {
  /** A store whose `all` returns this answer. */
  function over(all: ((callback: Answer<unknown>) => void) | undefined): AnySessionStore {
    return AnySessionStore.over(Object.assign(new session.MemoryStore(), { all }) as Store, 1_000);
  }

  async function walked(adapter: AnySessionStore): Promise<[string, SessionData][]> {
    const found: [string, SessionData][] = [];
    for await (const entry of adapter.walk()) found.push(entry);
    return found;
  }

  it.each([null, undefined, {}, []])("finds none in %j", async (answer) => {
    expect(await walked(over((callback) => callback(null, answer)))).toEqual([]);
  });

  it("takes the ids from a list that names them", async () => {
    const list = ["a", "b"].map((id) => Object.assign(sessionData({ n: id }), { id }));
    const found = await walked(over((callback) => callback(null, list)));
    expect(found.map(([sid, data]) => [sid, (data as unknown as { n: string }).n])).toEqual([
      ["a", "a"],
      ["b", "b"],
    ]);
  });

  it("takes the ids from the names in an object, whatever `id` the app has put into a session", async () => {
    const adapter = AnySessionStore.over(new session.MemoryStore(), 1_000);
    await insert(adapter, "a", { id: "b" });
    const found = await walked(adapter);
    expect(found.map(([sid, data]) => [sid, contentsOf(snapshotOf(data))])).toEqual([["a", { id: "b" }]]);
  });

  it("rejects over a store without all(), instead of finding too few sessions", async () => {
    const adapter = over(undefined);
    await insert(adapter, "a", {});
    await expect(walked(adapter)).rejects.toThrow(/all/);
  });

  it("rejects over a store whose list has no ids, instead of inventing them", async () => {
    // As connect-mongo answers.
    const adapter = over((callback) => callback(null, [sessionData({ n: 1 })]));
    await expect(walked(adapter)).rejects.toThrow(/all/);
  });

  it("passes on the error of all(), called back or thrown", async () => {
    const error = new Error("ECONNREFUSED");
    await expect(walked(over((callback) => callback(error)))).rejects.toBe(error);
    await expect(
      walked(
        over(() => {
          throw error;
        }),
      ),
    ).rejects.toBe(error);
  });
});
