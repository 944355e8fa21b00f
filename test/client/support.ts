import { WebSocket } from "ws";
import {
  type ClientState,
  type RealtimeClient,
  type RealtimeClientOptions,
  realtimeClient,
  type StateInfo,
  type WebSocketClass,
} from "../../lib/client.ts";
import { type Connection, type Realtime, type RealtimeOptions, realtime } from "../../lib/index.ts";
import type { Browser } from "../support/browser.ts";
import { cookieHeaders } from "../support/cookie-jar.ts";
import { eventually } from "../support/eventually.ts";
import { afterThisTest, type Served, type ServeOptions, serve } from "../websocket/support.ts";
import { type Relay, relay } from "./relay.ts";

export { afterThisTest };

export interface Chat extends Served {
  readonly chat: Realtime;
  /** The URL of the WebSocket. */
  readonly wsUrl: string;
  /** The numbers of the handled `number` events, in order. */
  readonly numbers: unknown[];
  /** The open connections, oldest first. */
  readonly connections: Connection[];
}

/** Serves realtime until the end of the test. `number` and `slow` return `n`, `fail` fails, `never` never ends. */
export async function serveChat(options: RealtimeOptions = {}, serving: ServeOptions = {}): Promise<Chat> {
  const served = await serve({ onConnection: () => {}, ...serving });
  const numbers: unknown[] = [];
  const connections: Connection[] = [];
  const chat = realtime(options)
    .on("connect", (connection) => void connections.push(connection))
    .on("disconnect", (connection) => void connections.splice(connections.indexOf(connection), 1))
    .on("number", (_connection, { n }) => {
      numbers.push(n);
      return { n };
    })
    .on("fail", () => {
      throw Object.assign(new Error("no such room"), { expose: true, code: "no_room" });
    })
    .on("never", () => new Promise(() => {}));
  served.wsSessions.attach(chat);
  afterThisTest(() => served.wsSessions.close());
  return { ...served, chat, numbers, connections, wsUrl: `ws://127.0.0.1:${served.port}/ws` };
}

/** A server, behind a relay. */
export async function serveBehindRelay(options?: RealtimeOptions): Promise<{ chat: Chat; line: Relay }> {
  const chat = await serveChat(options);
  return { chat, line: await relay(chat.port) };
}

export interface Seen {
  readonly client: RealtimeClient;
  /** All changes of the state so far. */
  readonly states: [ClientState, StateInfo][];
  /** Resolves to the next state of that name, from the given index on. */
  until(state: ClientState, from?: number): Promise<StateInfo>;
}

/** A client with short delays, which is closed after the test. */
export function connectClient(options: RealtimeClientOptions): Seen {
  const client = realtimeClient({ WebSocket, minReconnectDelayMs: 10, maxReconnectDelayMs: 50, ...options });
  const states: Seen["states"] = [];
  client.onState((...state) => void states.push(state));
  afterThisTest(() => client.close());
  return {
    client,
    states,
    until: (name, from = 0) =>
      eventually(() => {
        const found = states.slice(from).find(([state]) => state === name);
        if (!found) throw new Error(`Not ${name}: ${JSON.stringify(states)}`);
        return found[1];
      }),
  };
}

/** A `ws` class that sends the current cookies of a browser. */
export function webSocketOf({ cookies }: Browser): WebSocketClass {
  return class extends WebSocket {
    constructor(url: string) {
      super(url, { headers: cookieHeaders(cookies) });
    }
  };
}
