import type { WebSocket } from "ws";
import type { Bus, MessageListener } from "../../../lib/bus/bus.ts";
import type { Backend, Position } from "../../../lib/index.ts";
import type { Browser } from "../../support/browser.ts";
import { next, type Served, send, signIn } from "../support.ts";

/** A message with its place in a channel. */
export interface Kept {
  event_type: string;
  data: Record<string, unknown>;
  channel: string;
  offset: number;
}

/** A client that was told where its channels stand. */
export interface Client {
  ws: WebSocket;
  browser: Browser;
  id: string;
  channels: Record<string, Position>;
}

/** Connects, and takes the positions, which come before anything else. */
export async function comeIn(browser: Browser): Promise<Client> {
  const ws = await browser.webSocket("/ws");
  const { event_type, data } = (await next(ws)) as unknown as { event_type: string; data: never };
  expect(event_type).toBe("session.positions");
  const { connection, channels } = data as { connection: string; channels: Client["channels"] };
  return { ws, browser, id: connection, channels };
}

/** A new client of a user. */
export async function clientOf(served: Served, user: string): Promise<Client> {
  return comeIn(await signIn(served, user));
}

let questions = 0;

/** Asks for the history of a channel, and gives the answer. */
export async function askHistory(
  { ws }: Client,
  question: Record<string, unknown>,
): Promise<{ status: string; data?: { messages: Kept[]; upTo: number }; error?: { code: string } }> {
  const id = ++questions;
  send(ws, "session.history", { was: [], ...question }, id);
  for (;;) {
    const answer = (await next(ws)) as never as { id: number; status: string };
    if (answer.id === id) return answer;
  }
}

/** The names of the rooms' events: `n` of each. */
export function numbers(messages: readonly { data: Record<string, unknown> }[]): unknown[] {
  return messages.map(({ data }) => data.n);
}

/** Makes the bus of a backend lose what it is sent, or a part of it, without a sign. */
export function loseMessages(
  backend: Pick<Backend, "bus">,
  isLost: (message: string) => boolean = () => true,
): { isDeaf: boolean } {
  const state = { isDeaf: false };
  const bus: Bus = backend.bus;
  const heard = new Map<MessageListener, MessageListener>();
  const { subscribe, unsubscribe } = bus;
  bus.subscribe = (channel, listener) => {
    const hear =
      heard.get(listener) ??
      ((message) => {
        if (!state.isDeaf || !isLost(message)) listener(message);
      });
    heard.set(listener, hear);
    return subscribe.call(bus, channel, hear);
  };
  bus.unsubscribe = (channel, listener) => unsubscribe.call(bus, channel, heard.get(listener) ?? listener);
  return state;
}
