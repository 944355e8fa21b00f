import type { BoundConnection } from "../../lib/connections/bound-connection.ts";
import { SessionConnections } from "../../lib/connections/session-connections.ts";
import { MemorySessionStore } from "../../lib/sessions/memory-session-store.ts";
import { eventually } from "../support/eventually.ts";

let store: MemorySessionStore;
let connections: SessionConnections;

beforeEach(() => {
  store = new MemorySessionStore();
  connections = new SessionConnections(store, { maxConnectionsPerSession: 2, revalidateMs: 60_000 });
});

afterEach(() => connections.close());

/** An open bound connection, which records how it is closed. */
function open(sid: string): { connection: BoundConnection; closes: [number, string][] } {
  const connection = connections.bind(sid) as BoundConnection;
  const closes: [number, string][] = [];
  connection.open({ mute: () => {}, end: (code, reason) => closes.push([code, reason]) });
  return { connection, closes };
}

test("ending a session ends all its connections, with the close code of the reason", async () => {
  const [first, second, other] = [open("a"), open("a"), open("b")];
  store.endings.close("a", "session_ended");
  expect([first.closes, second.closes, other.closes]).toEqual([
    [[4501, "session_ended"]],
    [[4501, "session_ended"]],
    [],
  ]);
  store.endings.close("b", "session_replaced");
  await eventually(() => expect(other.closes).toEqual([[4009, "session_replaced"]]));
});

test("a connection whose session was replaced is muted at once and closed a moment later, for that reason only", async () => {
  const connection = connections.bind("a") as BoundConnection;
  const seen: string[] = [];
  connection.open({ mute: () => seen.push("mute"), end: (_, reason) => seen.push(reason) });
  expect(store.endings.close("a", "session_replaced")).toBe(1);
  expect(store.endings.close("a", "session_ended")).toBe(0);
  expect(seen).toEqual(["mute"]);
  await eventually(() => expect(seen).toEqual(["mute", "session_replaced"]));
});

test("the store's endings count a session's connections", () => {
  open("a");
  open("a");
  expect([store.endings.count("a"), store.endings.count("b")]).toEqual([2, 0]);
});

test("a connection that is bound and not yet open learns that its session has ended", () => {
  const connection = connections.bind("a");
  expect(connection?.hasEnded).toBe(false);
  store.endings.close("a", "session_ended");
  expect(connection?.hasEnded).toBe(true);
});

describe("a connection that is bound and not yet open", () => {
  let connection: BoundConnection;

  beforeEach(() => {
    connection = connections.bind("a") as BoundConnection;
    connection.bindTo("ada");
  });

  test("may belong to another user after a report, until it is bound to that user", () => {
    expect(connection.mayBeOthers("ada")).toBe(false);
    connections.endOthers("a", "grace");
    expect([connection.mayBeOthers("ada"), connection.mayBeOthers("grace")]).toEqual([true, false]);
    expect(connection.hasEnded).toBe(false);
    connection.bindTo("grace");
    expect(connection.mayBeOthers("grace")).toBe(false);
  });

  test("may belong to any user after a report may have been missed, until its session is read", () => {
    connections.revalidateAll();
    expect(connection.mayBeOthers("ada")).toBe(true);
    connection.bindTo("ada");
    expect(connection.mayBeOthers("ada")).toBe(false);
  });

  test("is closed as it opens if it changes its user at that moment", async () => {
    connections.endOthers("a", undefined);
    const seen: (string | number)[] = [];
    connection.open({ mute: () => seen.push("mute"), end: (code) => seen.push(code) });
    await eventually(() => expect(seen).toEqual(["mute", 4009]));
  });
});

test("a session at its limit binds no further connection until one is released", () => {
  const { connection } = open("a");
  open("a");
  expect(connections.bind("a")).toBeUndefined();
  expect(connections.bind("b")).toBeDefined();
  connections.release(connection);
  expect(connections.bind("a")).toBeDefined();
});

test("a released connection is no longer ended, and may be released twice", () => {
  const [first, second] = [open("a"), open("a")];
  connections.release(first.connection);
  connections.release(first.connection);
  store.endings.close("a", "session_ended");
  expect([first.closes.length, second.closes.length]).toEqual([0, 1]);
});

test("all connections are ended even if one releases others while it is ended", () => {
  const seen: string[] = [];
  const all = ["x", "y"].map((name) => {
    const connection = connections.bind("a") as BoundConnection;
    connection.open({
      mute: () => {},
      end: () => {
        seen.push(name);
        for (const each of all) connections.release(each);
      },
    });
    return connection;
  });
  store.endings.close("a", "session_ended");
  expect(seen).toEqual(["x", "y"]);
});

test("no ends of sessions are received after close", () => {
  const { closes } = open("a");
  connections.close();
  store.endings.close("a", "session_ended");
  expect(closes).toEqual([]);
});
