import type { Request } from "express";
import { type Connection, type Realtime, realtime } from "express-session-stack";
import type { ChatStore, Message } from "../store/chat-store.ts";
import type { Users } from "../users.ts";
import { type SessionView, sessionView } from "../views/session.ts";
import {
  type ClientEvents,
  InRoom,
  LOBBY,
  type PersonView,
  ROOMS,
  type ServerEvents,
  Written,
} from "./events.ts";

/** The chat, and what routes tell its pages. */
export interface Chat {
  realtime: Realtime<ClientEvents, ServerEvents>;
  /** Shows the session to each page that has it open, on all nodes. */
  showSession(req: Request): Promise<SessionView>;
}

/** Rooms are groups: who is in one gets its messages on all devices, on whichever node. */
export function makeChat(users: Users, store: ChatStore): Chat {
  const chat = realtime<ClientEvents, ServerEvents>({
    authorizeGroup: (userId, group) => userId !== undefined && (ROOMS as readonly string[]).includes(group),
  });
  const nameOf = (userId: string) => users.find(userId)?.name ?? userId;
  const named = (message: Message) => ({ ...message, name: nameOf(message.from) });

  async function peopleIn(room: string): Promise<PersonView[]> {
    const [members, here] = await Promise.all([chat.members(room), chat.presence(room)]);
    return members.sort().map((id) => ({ id, name: nameOf(id), isHere: here.includes(id) }));
  }

  async function showPeople(room: string): Promise<void> {
    await chat.group(room).send("people", { room, people: await peopleIn(room) });
  }

  async function showRooms(userId: string): Promise<void> {
    await chat.user(userId).send("rooms", { rooms: await chat.groupsOf(userId) });
  }

  async function showSession(req: Request): Promise<SessionView> {
    const view = sessionView(req, users);
    if (view.user) await chat.user(view.user).send("session.state", view);
    return view;
  }

  chat.on("error", (error) => console.error(error));
  chat.on("connect", async (connection) => {
    // Who is not signed in is let in to be told so: browsers do not say why a handshake was refused.
    connection.send("welcome", sessionView(connection.req, users));
    const { userId } = connection;
    if (!userId) return;
    if (!connection.groups.has(LOBBY)) {
      await chat.join(userId, LOBBY);
      await showPeople(LOBBY);
    }
    connection.send("rooms", { rooms: [...connection.groups] });
    await chat.user(userId).send("devices.changed", {});
  });
  chat.on("disconnect", async ({ userId }) => {
    if (userId) await chat.user(userId).send("devices.changed", {});
  });
  for (const event of ["online", "offline"] as const) {
    chat.on(event, async (userId) => {
      for (const room of await chat.groupsOf(userId)) await showPeople(room);
    });
  }

  for (const change of ["join", "leave"] as const) {
    chat.on(`room.${change}`, InRoom, async (connection, { room }) => {
      if (change === "leave" && room === LOBBY) throw refusal("lobby", "Everybody is in the lobby.");
      const userId = userOf(connection);
      await chat[change](userId, room);
      await Promise.all([showRooms(userId), showPeople(room)]);
    });
  }
  chat.on("room.open", InRoom, async (connection, { room }) => {
    memberOf(connection, room);
    const [messages, people] = await Promise.all([store.messages(room), peopleIn(room)]);
    return { messages: messages.map(named), people };
  });
  chat.on("message.send", Written, async (connection, { room, text, key }) => {
    const from = memberOf(connection, room);
    const message = { id: `${from}/${key}`, room, from, text, at: Date.now() };
    await store.addMessage(message);
    await chat.group(room).send("message", named(message));
  });
  chat.on("typing", InRoom, async (connection, { room }) => {
    const from = memberOf(connection, room);
    await chat
      .group(room)
      .except(connection)
      .send("typing", { room, from, name: nameOf(from) });
  });
  chat.on("count.add", async (connection) => {
    userOf(connection);
    const { req } = connection;
    // A connection lives long: others may have counted on since it loaded the session.
    await req.session.reload();
    req.session.webSocketCount = (req.session.webSocketCount ?? 0) + 1;
    // On a WebSocket nothing is saved unless asked.
    await req.session.save();
    await showSession(req);
  });

  return { realtime: chat, showSession };
}

function userOf({ userId }: Connection): string {
  if (userId === undefined) throw refusal("not_signed_in", "Sign in first.");
  return userId;
}

function memberOf(connection: Connection, room: string): string {
  if (!connection.groups.has(room)) throw refusal("not_a_member", "Join this room first.");
  return userOf(connection);
}

/** An error that the client is told. */
function refusal(code: string, message: string): Error {
  return Object.assign(new Error(message), { code, expose: true });
}
