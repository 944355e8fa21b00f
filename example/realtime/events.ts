import { z } from "zod";
import type { Message } from "../store/chat-store.ts";
import type { SessionView } from "../views/session.ts";

/** Rooms that there are. Everybody is in the first. */
export const ROOMS = ["lobby", "engines", "music"] as const;
export const LOBBY = ROOMS[0];

/** What clients send, as it is checked. */
export const InRoom = z.object({ room: z.enum(ROOMS) });
export const Written = InRoom.extend({
  text: z.string().trim().min(1).max(2000),
  /** Made by the page, which sends a message again if it is not sure whether it arrived. */
  key: z.string().min(1).max(64),
});

export type InRoom = z.infer<typeof InRoom>;

/** Events of clients, with their data. */
export type ClientEvents = {
  /** Answered with the room's `messages`, and the `people` in it. */
  "room.open": InRoom;
  "room.join": InRoom;
  "room.leave": InRoom;
  "message.send": z.infer<typeof Written>;
  typing: InRoom;
  "count.add": Record<string, never>;
};

/** Events of the server. */
export type ServerEvents = {
  /** The session of the connection, as it opens. */
  welcome: SessionView;
  /** A session of the user has changed: on this device, or on another. */
  "session.state": SessionView;
  /** The user's rooms. */
  rooms: { rooms: string[] };
  people: { room: string; people: PersonView[] };
  message: Message & { name: string };
  typing: { room: string; from: string; name: string };
  /** A connection of the user has come or gone. */
  "devices.changed": Record<string, never>;
};

/** Somebody in a room. */
export interface PersonView {
  id: string;
  name: string;
  isHere: boolean;
}
