/** What a TypeScript user writes with `realtime`. Nothing here is run: `tsc --noEmit` is the test. */
import * as v from "valibot";
import type { WebSocket } from "ws";
import { z } from "zod";
import {
  type ActiveSession,
  type Closed,
  type Connection,
  type ConnectionStore,
  memoryBackend,
  type Realtime,
  realtime,
  type StoredValue,
  userConnectionStore,
  type WebSocketSessions,
} from "../../lib/index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only for `true`. */
function is<_Holds extends true>(): void {}

type ClientEvents = {
  "chat.message": { group: string; text: string };
  "chat.typing": { group: string };
};

type ServerEvents = {
  "chat.message": { from: string; text: string };
  "chat.closed": { reason?: "full" | "over" };
};

export function clientEvents(chat: Realtime<ClientEvents, ServerEvents>): void {
  chat
    .on("chat.message", (connection, data) => {
      is<Equal<typeof data, { group: string; text: string }>>();
      is<Equal<typeof connection, Connection<ServerEvents>>>();
      // @ts-expect-error: no such data
      return data.txt;
    })
    .on("chat.typing", async (_, { group }) => group.length);
  // @ts-expect-error: no such event
  chat.on("chat.massage", () => {});
  // @ts-expect-error: an event of the server is not one of clients
  chat.on("chat.closed", () => {});
  // @ts-expect-error: no handler
  chat.on("chat.typing");
  // @ts-expect-error: data of another event
  chat.on("chat.typing", (_: unknown, data: { text: string }) => data);
}

export async function serverEvents(chat: Realtime<ClientEvents, ServerEvents>): Promise<void> {
  await chat.group("a").send("chat.message", { from: "ada", text: "hello" });
  await chat.user("ada").send("chat.closed", { reason: "full" });
  await chat.user({ id: 7 }).send("chat.closed", {});
  await chat.user(7).send("chat.closed");
  await chat.users(["ada", { id: 7 }, 7]).send("chat.closed", {});
  await chat.users(new Set(["ada"])).send("chat.closed");
  const sent = chat.group("a").send("chat.closed");
  is<Equal<typeof sent, Promise<void>>>();
  // @ts-expect-error: an event of clients is not one of the server
  await chat.group("a").send("chat.typing", { group: "a" });
  // @ts-expect-error: data without the text
  await chat.group("a").send("chat.message", { from: "ada" });
  // @ts-expect-error: no data
  await chat.group("a").send("chat.message");
  // @ts-expect-error: no such reason
  await chat.user("ada").send("chat.closed", { reason: "late" });
  // @ts-expect-error: no text is data
  await chat.user("ada").send("chat.closed", "over");
  // @ts-expect-error: no user
  chat.user({ name: "ada" });
  // @ts-expect-error: no user
  chat.user(undefined);
  // @ts-expect-error: one user, whose letters would be users
  chat.users("ada");
  // @ts-expect-error: a group is a text
  chat.group(1);
}

export function lifecycle(chat: Realtime<ClientEvents, ServerEvents>): void {
  chat
    .on("connect", async (connection) => {
      is<Equal<typeof connection, Connection<ServerEvents>>>();
      connection.send("chat.message", { from: "server", text: "welcome" });
      // @ts-expect-error: no such event
      connection.send("chat.massage", {});
      // @ts-expect-error: data of another event
      connection.send("chat.message", { reason: "full" });
      await chat.group("a").except(connection).send("chat.closed", {});
    })
    .on("disconnect", (_, closed) => is<Equal<typeof closed, Closed>>())
    .on("online", (userId) => is<Equal<typeof userId, string>>())
    .on("offline", (userId) => is<Equal<typeof userId, string>>())
    .on("error", (error, connection) => {
      is<Equal<typeof error, Error>>();
      is<Equal<typeof connection, Connection<ServerEvents> | undefined>>();
    });
  // @ts-expect-error: a user id is a text
  chat.on("online", (userId: number) => userId);
}

export async function connections(connection: Connection<ServerEvents>): Promise<void> {
  is<Equal<typeof connection.userId, string | undefined>>();
  is<Equal<typeof connection.groups, ReadonlySet<string>>>();
  const ws: WebSocket = connection.ws;
  const since: number = connection.connectedAt + connection.lastSeen;
  const address: string | undefined = connection.req.ip;
  void [ws, since, address, connection.id.length, connection.sid.length, connection.req.session.id];
  // @ts-expect-error: groups change by join and leave
  connection.groups.add("a");
  // @ts-expect-error: who it is is asked once
  connection.userId = "grace";
  await connection.join("a");
  await connection.leave("a");
  connection.close();
  connection.close(4000, "enough");
  connection.send("chat.closed");
  // @ts-expect-error: no data
  connection.send("chat.message");
  // @ts-expect-error: sent at the end of the tick, and no promise
  connection.send("chat.closed").then(() => {});
  const { store } = connection;
  await store.set("draft", "text");
  await store.set("cursor", { line: 1, marks: [1, 2] });
  await store.set("list", ["a"] as const);
  const value = await store.get("draft");
  is<Equal<typeof value, StoredValue | undefined>>();
  // @ts-expect-error: texts, objects and lists
  await store.set("count", 1);
}

export function schemas(chat: Realtime<ClientEvents, ServerEvents>, untyped: Realtime): void {
  chat.on("chat.message", z.object({ group: z.string(), text: z.string(), at: z.date() }), (_, data) => {
    is<Equal<typeof data, { group: string; text: string; at: Date }>>();
  });
  untyped.on("sized", z.object({ size: z.string().transform(Number) }), (_, data) => {
    is<Equal<typeof data, { size: number }>>();
  });
  untyped.on("sized", v.object({ size: v.pipe(v.string(), v.transform(Number)) }), (_, data) => {
    is<Equal<typeof data, { size: number }>>();
  });
  untyped.on(
    "later",
    v.objectAsync({
      name: v.pipeAsync(
        v.string(),
        v.checkAsync(async () => true),
      ),
    }),
    (_, d) => {
      is<Equal<typeof d, { name: string }>>();
    },
  );
  // @ts-expect-error: the schema does not give what the event has
  chat.on("chat.message", z.object({ group: z.string() }), () => {});
  // @ts-expect-error: no such event
  chat.on("chat.massage", z.object({}), () => {});
  // @ts-expect-error: no schema
  untyped.on("sized", { size: "number" }, () => {});
}

export async function anyEvents(): Promise<void> {
  const chat = realtime();
  chat.on("anything", (connection, data) => {
    connection.send("whatever", { you: ["like"] });
    return data.anything.at.all as number;
  });
  await chat.group("a").send("whatever", { you: 1 });
  // @ts-expect-error: data is an object
  await chat.group("a").send("whatever", 1);
  // @ts-expect-error: data is an object
  await chat.group("a").send("whatever", "text");
}

export async function questions(chat: Realtime): Promise<void> {
  const groups = await chat.groupsOf("ada");
  const [members, present] = [await chat.members("a"), await chat.presence("a")];
  is<Equal<typeof groups | typeof members | typeof present, string[]>>();
  const sessions = await chat.activeSessions({ id: "ada" });
  is<Equal<typeof sessions, ActiveSession[]>>();
  const joined = chat.join("ada", "a");
  is<Equal<typeof joined, Promise<void>>>();
}

export function options(store: ConnectionStore, wsSessions: WebSocketSessions): void {
  const chat = realtime<ClientEvents, ServerEvents>({
    inactivityThresholdSeconds: 60,
    pingIntervalMs: 0,
    keepAlive: "message",
    graceMs: 0,
    maxMessagesPerSecond: 10,
    maxConnectionsPerUser: 2,
    maxGroupsPerUser: Number.POSITIVE_INFINITY,
    maxBufferedBytes: 1,
    authorizeGroup: async (userId, group) => userId !== undefined && group.startsWith(userId),
    connectionStore: userConnectionStore({ expiresSeconds: 30 }),
    heartbeat: { enabled: true },
  });
  wsSessions.attach(chat).attach(realtime());
  realtime({ connectionStore: store, authorizeGroup: () => true });
  realtime({
    connectionStore: () => memoryBackend().connectionStore({ ttlSeconds: 1, nameOf: () => "all" }),
  });
  // @ts-expect-error: no such option
  realtime({ inactivityThresholdMs: 60_000 });
  // @ts-expect-error: "heartbeat", "message" or "none"
  realtime({ keepAlive: "always" });
  // @ts-expect-error: a user may have none
  realtime({ authorizeGroup: (userId: string) => userId !== "" });
  // @ts-expect-error: the answer is a boolean
  realtime({ authorizeGroup: () => "yes" });
  // @ts-expect-error: seconds are a number
  userConnectionStore({ expiresSeconds: "30" });
  // @ts-expect-error: nothing that can be attached
  wsSessions.attach({});
}
