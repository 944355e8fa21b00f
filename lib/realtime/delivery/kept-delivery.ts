import type { Position } from "../../history/history.ts";
import type { Numbered } from "../../history/numbered.ts";
import { OutgoingMessage } from "../../lines/batch.ts";
import { eventText } from "../messages/protocol.ts";
import { type Receiver, readAddressed } from "./delivery.ts";

/** A channel with receivers, as kept messages see it. */
export interface KeptReceivers<R extends Receiver> {
  readonly name: string;
  readonly sequence: { readonly position: Position | undefined } | undefined;
  readonly receivers: Set<R>;
  /** The positions at which users joined, of receivers that this node has not brought there yet. */
  floors: Map<R, Position> | undefined;
  /**
   * The receivers that have come since this node last knew that it has all messages. What it then reads from history may be
   * from before they came, and may be what a former connection of theirs has sent. So they ask for it themselves.
   */
  fresh: Set<R> | undefined;
}

/** The name of a channel for clients. A client has one user, and knows that one's channel as `user`. */
export function clientChannel(name: string): string {
  return name.startsWith("user:") ? "user" : name;
}

/** The text of a kept message for clients: the event with its channel and offset. */
export function keptText(text: string, channel: string, offset: number): string {
  return `${text.slice(0, -1)},"channel":${JSON.stringify(channel)},"offset":${offset}}`;
}

/**
 * Delivers a kept message to the receivers that were in the channel when it was sent. `isLate` says that some receivers may
 * have come after it. Those are told the position instead, and ask for the messages that are for them.
 */
export function deliverKept<R extends Receiver>(
  channel: KeptReceivers<R>,
  kept: Numbered,
  isLate: boolean,
): void {
  const { name, receivers, floors } = channel;
  const { offset, epoch } = kept;
  if (!isLate) channel.fresh = undefined;
  const { fresh } = channel;
  const { exceptId, text } = readAddressed(kept.message);
  const message = new OutgoingMessage(keptText(text, clientChannel(name), offset));
  for (const receiver of receivers) {
    const floor = floors?.get(receiver);
    if (floor?.epoch === epoch && offset <= floor.offset) continue;
    if (fresh?.has(receiver)) receiver.positioned?.(name, { epoch, offset }, true);
    else if (receiver.id === exceptId) receiver.push(passed(name, offset), name);
    else receiver.push(message, name);
  }
  if (floors && ![...floors.values()].some((floor) => floor.epoch === epoch && offset < floor.offset))
    channel.floors = undefined;
}

/**
 * Tells a receiver that enters a channel the position from which it gets messages, and notes its floor. A receiver that is in
 * the channel already may have come before its floor was known.
 */
export function enterKept<R extends Receiver>(
  channel: KeptReceivers<R>,
  receiver: R,
  floor: Position | undefined,
): void {
  const position = channel.sequence?.position;
  const isAhead = floor && (!position || (floor.epoch === position.epoch && floor.offset > position.offset));
  if (isAhead) {
    channel.floors ??= new Map();
    channel.floors.set(receiver, floor);
  }
  if (channel.receivers.has(receiver)) {
    if (!isAhead) return;
  } else {
    channel.receivers.add(receiver);
    channel.fresh ??= new Set();
    channel.fresh.add(receiver);
  }
  // A channel that is not open yet tells its position when it has begun.
  if (position) receiver.positioned?.(channel.name, startOf(channel, receiver, position), false);
}

/**
 * Notes the receivers that are in a channel before its position is read. If the node has all messages up to that position,
 * the returned function is called: later messages were sent after those receivers have come.
 */
export function settleKept<R extends Receiver>(channel: KeptReceivers<R>): () => void {
  const settling = [...(channel.fresh ?? [])];
  return () => {
    for (const receiver of settling) channel.fresh?.delete(receiver);
    if (channel.fresh?.size === 0) channel.fresh = undefined;
  };
}

/** Tells all receivers of a channel that has begun the position from which they get messages. */
export function tellPosition<R extends Receiver>(channel: KeptReceivers<R>): void {
  const position = channel.sequence?.position;
  if (!position) return;
  for (const receiver of channel.receivers)
    receiver.positioned?.(channel.name, startOf(channel, receiver, position), false);
}

function startOf<R extends Receiver>(
  { floors }: KeptReceivers<R>,
  receiver: R,
  position: Position,
): Position {
  const floor = floors?.get(receiver);
  return floor?.epoch === position.epoch && floor.offset > position.offset ? floor : position;
}

/** Tells the receivers of a channel that messages up to a position are lost. */
export function deliverLost<R extends Receiver>(channel: KeptReceivers<R>, position: Position): void {
  const data = { channel: clientChannel(channel.name), ...position };
  const message = new OutgoingMessage(eventText("session.lost", data));
  channel.floors = undefined;
  for (const receiver of channel.receivers) receiver.push(message, channel.name);
}

/** Tells a client that an offset is not for it. Otherwise it would look for a message with this offset. */
function passed(name: string, offset: number): OutgoingMessage {
  return new OutgoingMessage(eventText("session.passed", { channel: clientChannel(name), offset }));
}
