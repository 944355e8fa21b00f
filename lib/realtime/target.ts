import { checkOptions } from "../options/options-check.ts";
import { trueOrFalse } from "../options/rule.ts";
import type { Connection } from "./connection.ts";
import type { Sending } from "./delivery/channels.ts";
import { checkedText } from "./messages/checked-text.ts";
import type { EventDataArgument, EventMap, EventName } from "./messages/event-map.ts";
import { eventText } from "./messages/protocol.ts";
import type { HistoryQuery, KeptEvent } from "./recovery/kept-events.ts";

/** Options of one event that is sent. */
export interface SendOptions {
  /**
   * Whether the event is kept, if its group or user has a history. Leave events out that are of no use later, such as
   * "is typing". @default true
   */
  history?: boolean;
}

/** A target of messages: all connections of a user, on all nodes. */
export interface Target<ServerEvents extends EventMap<ServerEvents>> {
  /**
   * Sends an event. Resolves once the event is on its way. Events that one node sends to one group, or to one user,
   * arrive in order. With a history, all events of one group, or of one user, arrive in one order.
   *
   * @throws {RangeError} if the event is larger than 16 MiB, or than `maxBufferedBytes` if that is more.
   */
  send<Type extends EventName<ServerEvents>>(
    type: Type,
    ...data: [...data: EventDataArgument<ServerEvents, Type>, options?: SendOptions]
  ): Promise<void>;
}

/** A target of messages whose last events are kept, if the option `history` says so. */
export interface KeptTarget<ServerEvents extends EventMap<ServerEvents>> extends Target<ServerEvents> {
  /**
   * The newest kept events, the oldest of them first. Resolves to none if nothing is kept.
   *
   * @throws {TypeError} if `realtime` has no option `history`.
   */
  history(query?: HistoryQuery): Promise<KeptEvent[]>;
}

/** A target of messages: each connection, on all nodes, of each user in a group. */
export interface GroupTarget<ServerEvents extends EventMap<ServerEvents>> extends KeptTarget<ServerEvents> {
  /** The group without one connection, such as the sender of a message. */
  except(connection: Connection<ServerEvents>): Target<ServerEvents>;
}

/** Sends the text of an event. */
type SendText = (text: string, sending: Sending) => Promise<void>;

const SEND_RULES = { history: trueOrFalse };

/** Makes a target of what sends to it. */
export function targetOf<ServerEvents extends EventMap<ServerEvents>>(
  send: SendText,
  maxBufferedBytes: number,
): Target<ServerEvents> {
  return {
    send: async (type, ...[data, options]) => {
      const text = checkedText(eventText(type, data as object | undefined), maxBufferedBytes);
      const { history } = options ? checkOptions<SendOptions>("realtime: send", SEND_RULES, options) : {};
      await send(text, { isKept: history });
    },
  };
}
