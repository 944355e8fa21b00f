/** What a TypeScript user of the client writes, with the types of the server. Nothing here is run: `tsc --noEmit` is the test. */
import { WebSocket } from "ws";
import {
  type ClientState,
  type CloseReason,
  closeCodes,
  type EventMap,
  type RealtimeClient,
  RealtimeClientError,
  realtimeClient,
  type StateInfo,
  type WebSocketClass,
} from "../../lib/client.ts";
import { type Connection, type Realtime, realtime } from "../../lib/index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only for `true`. */
function is<_Holds extends true>(): void {}

interface Message {
  group: string;
  text: string;
}

/** Interfaces have no index signature. */
interface ClientEvents {
  "chat.message": Message;
  "chat.typing": { group: string };
}

/** Type aliases have one, as far as TypeScript is concerned. */
type ServerEvents = {
  "chat.message": Message & { from: string };
  state: { mood: "good" | "bad" };
};

interface Answers {
  "chat.message": { at: number };
}

export function server(): Realtime<ClientEvents, ServerEvents> {
  const chat = realtime<ClientEvents, ServerEvents>();
  chat.on("chat.message", async (connection, data) => {
    is<Equal<typeof data, Message>>();
    is<Equal<typeof connection, Connection<ServerEvents>>>();
    connection.send("state", { mood: "good" });
    // @ts-expect-error: no such mood
    connection.send("state", { mood: "so so" });
    await chat
      .group(data.group)
      .except(connection)
      .send("chat.message", { ...data, from: "Ada" });
    // @ts-expect-error: from whom?
    await chat.user("7").send("chat.message", data);
    return { at: 1 };
  });
  // @ts-expect-error: no such event
  chat.on("chat.massage", () => {});
  // The other way round: aliases of what clients send, interfaces of what the server sends.
  realtime<ServerEvents, ClientEvents>().on("state", (connection, { mood }) => {
    connection.send("chat.typing", { group: mood });
  });
  return chat;
}

export async function client(): Promise<void> {
  const chat = realtimeClient<ClientEvents, ServerEvents, Answers>({ url: "/ws", WebSocket });
  is<Equal<typeof chat, RealtimeClient<ClientEvents, ServerEvents, Answers>>>();
  is<Equal<typeof chat.state, ClientState>>();
  chat
    .on("chat.message", (data) => is<Equal<typeof data, Message & { from: string }>>())
    .on("state", ({ mood }) => is<Equal<typeof mood, "good" | "bad">>())
    .onState((state, info) => {
      is<Equal<typeof state, ClientState>>();
      is<Equal<typeof info, StateInfo>>();
      is<Equal<typeof info.retryInMs, number | undefined>>();
      return info.code === closeCodes.session_ended;
    })
    .onError((error) => is<Equal<typeof error, RealtimeClientError>>());
  chat.send("chat.typing", { group: "a" });
  const answer = await chat.request("chat.message", { group: "a", text: "b" });
  is<Equal<typeof answer, { at: number }>>();
  const unnamed = await chat.request("chat.typing", { group: "a" });
  is<Equal<typeof unnamed, unknown>>();
  chat.close();

  // @ts-expect-error: no such event
  chat.send("chat.massage", { group: "a" });
  // @ts-expect-error: an event of the server
  chat.send("state", { mood: "good" });
  // @ts-expect-error: no data
  chat.send("chat.typing");
  // @ts-expect-error: no data
  await chat.request("chat.message");
  // @ts-expect-error: no text
  await chat.request("chat.message", { group: "a" });
  // @ts-expect-error: an event of clients
  chat.on("chat.typing", () => {});
  // @ts-expect-error: no url
  realtimeClient({});
  // @ts-expect-error: milliseconds are a number
  realtimeClient({ url: "/ws", requestTimeoutMs: "1s" });
  // @ts-expect-error: the data of an event is an object
  realtimeClient<{ "chat.message": string }>({ url: "/ws" });
  // @ts-expect-error: the data of an event is an object
  realtime<{ "chat.message": string }>();
}

export function untyped(reason: CloseReason, ofWs: typeof WebSocket): void {
  const any: RealtimeClient = realtimeClient({ url: "/ws" });
  any.on("anything", (data) => data.whatever).send("anything", { whatever: 1 });
  any.send("nothing");
  const events: EventMap = { "chat.message": { text: reason } };
  const made: WebSocketClass = ofWs;
  void [events, made];
}

export function errors(error: unknown): string {
  if (!(error instanceof RealtimeClientError)) return "";
  switch (error.code) {
    case "timeout":
    case "closed":
    case "queue_full":
    case "invalid_data":
      return error.message;
    default:
      return error.code;
  }
}
