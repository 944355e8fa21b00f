import type { Position } from "../../history/history.ts";
import type { Numbered } from "../../history/numbered.ts";
import { OutgoingMessage } from "../../lines/batch.ts";
import { eventText } from "../messages/protocol.ts";
import { type Receiver, readAddressed } from "./delivery.ts";

/** A channel with receivers, as kept messages see it. */
export interface KeptReceivers<R extends Receiver> {
  readonly name: string;
  readonly sequence: { readonly position: Position | undefined } | undefined;
  readonly receivers: ReadonlySet<R>;
  /** The positions at which users joined, of receivers that this node has not brought there yet. */
  floors: Map<R, Position> | undefined;
}

/** The name of a channel for clients. A client has one user, and knows that one's channel as `user`. */
export function clientChannel(name: string): string {
  return name.startsWith("user:") ? "user" : name;
}

/** The text of a kept message for clients: the event with its channel and offset. */
export function keptText(text: string, channel: string, offset: number): string {
  return `${text.slice(0, -1)},"channel":${JSON.stringify(channel)},"offset":${offset}}`;
}

/** Delivers a kept message to the receivers that were in the channel when it was sent. */
export function deliverKept<R extends Receiver>(channel: KeptReceivers<R>, kept: Numbered): void {
  const { name, receivers, floors } = channel;
  const { offset, epoch } = kept;
  const { exceptId, text } = readAddressed(kept.message);
  const message = new OutgoingMessage(keptText(text, clientChannel(name), offset));
  for (const receiver of receivers) {
    const floor = floors?.get(receiver);
    if (floor?.epoch === epoch && offset <= floor.offset) continue;
    if (receiver.id === exceptId) receiver.push(passed(name, offset), name);
    else receiver.push(message, name);
  }
  if (floors && ![...floors.values()].some((floor) => floor.epoch === epoch && offset < floor.offset))
    channel.floors = undefined;
}

/** Tells a receiver that enters a channel the position from which it gets messages, and notes its floor. */
export function enterKept<R extends Receiver>(
  channel: KeptReceivers<R>,
  receiver: R,
  floor: Position | undefined,
): void {
  const position = channel.sequence?.position;
  if (floor && (!position || (floor.epoch === position.epoch && floor.offset > position.offset))) {
    channel.floors ??= new Map();
    channel.floors.set(receiver, floor);
  }
  // A channel that is not open yet tells its position when it has begun.
  if (position) receiver.positioned?.(channel.name, startOf(channel, receiver, position));
}

/** Tells all receivers of a channel that has begun the position from which they get messages. */
export function tellPosition<R extends Receiver>(channel: KeptReceivers<R>): void {
  const position = channel.sequence?.position;
  if (!position) return;
  for (const receiver of channel.receivers)
    receiver.positioned?.(channel.name, startOf(channel, receiver, position));
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
