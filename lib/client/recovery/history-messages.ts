import type { Position } from "./held-channel.ts";

/** Data of the server's messages about positions. */
export interface Told extends Position {
  readonly connection: string;
  readonly channels: Readonly<Record<string, Position>>;
  readonly channel: string;
}

/** An answer to a request for history. It covers all offsets up to `upTo`; those that are absent were not for this user. */
export interface Answered {
  readonly messages?: readonly { event_type: string; data: object; offset: number }[];
  readonly upTo?: number;
  /** The code of an error. */
  readonly code?: string;
}
