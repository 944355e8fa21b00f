import type { Sequence } from "../recovery/sequence.ts";
import type { SubscribedChannel } from "./channel-subscriptions.ts";
import type { Receiver } from "./delivery.ts";
import type { HeldChannel } from "./held-messages.ts";
import type { KeptReceivers } from "./kept-delivery.ts";

/** The part of a group's or a user's connections that this node holds. */
export interface Channel<R extends Receiver> {
  readonly receivers: Set<R>;
  /** Counts the changes of the user's groups that nodes have told of: see groups.ts. */
  changes: number;
  /** The same for each group whose membership is being read now. */
  readonly told: Map<string, { changes: number; running: number }>;
}

/** A channel that is open on this node. */
export interface OpenChannel<R extends Receiver>
  extends Channel<R>,
    SubscribedChannel,
    HeldChannel<R>,
    KeptReceivers<R> {
  readonly receivers: Set<R>;
  /** The sequence of the channel's messages, if they are kept. */
  sequence: Sequence<OpenChannel<R>> | undefined;
  /** Ticks since the last receiver left. */
  emptyTicks: number;
}
