import type { Express } from "express";
import { type Connection, realtime, type SessionStack, webSocketSessions } from "express-session-stack";
import createError from "http-errors";
import { z } from "zod";
import type { Store } from "./store.ts";

const InRoom = z.object({ room: z.enum(["lobby", "engines", "music"]) });
/** The page makes the key, and sends a message again if it is not sure whether it arrived. */
const Written = InRoom.extend({ text: z.string().trim().min(1).max(2000), key: z.string().min(1).max(64) });

/** Rooms are groups: who is in one gets its messages on all devices, on whichever node. */
export function makeChat(stack: SessionStack, app: Express, store: Store) {
  const chat = realtime();
  const wsSessions = webSocketSessions(stack, { path: "/ws", app }).attach(chat);
  const showPeople = async (room: string) => {
    const people = { room, members: await chat.members(room), here: await chat.presence(room) };
    await chat.group(room).send("people", people);
  };
  for (const change of ["online", "offline"] as const) {
    chat.on(change, async (userId) => Promise.all((await chat.groupsOf(userId)).map(showPeople)));
  }
  chat.on("connect", async (connection) => {
    const { userId, req } = connection;
    // Let in to be told so: browsers do not say why a handshake was refused.
    if (!userId) connection.close(4503, "forbidden");
    // The page is of a user whom another tab has signed out: what it sends would be sent for the wrong one.
    else if ((req.query.user ?? userId) !== userId) connection.close(4510, "other_user");
    else await chat.user(userId).send("account.changed");
  });
  chat.on("disconnect", async ({ userId }) => userId && chat.user(userId).send("account.changed"));

  for (const change of ["join", "leave"] as const) {
    chat.on(`room.${change}`, InRoom, async ({ userId = "" }, { room }) => {
      await chat[change](userId, room);
      await chat.user(userId).send("rooms", { rooms: await chat.groupsOf(userId) });
      await showPeople(room);
      return { messages: (await store.list(room)).map((message) => JSON.parse(message)) };
    });
  }
  chat.on("message.send", Written, async (connection, { room, text, key }) => {
    const from = memberOf(connection, room);
    const message = { id: `${from}/${key}`, room, from, text, at: Date.now() };
    await store.push(room, JSON.stringify(message));
    await chat.group(room).send("message", message);
  });
  chat.on("typing", InRoom, async (connection, { room }) => {
    const from = memberOf(connection, room);
    await chat.group(room).except(connection).send("typing", { room, from });
  });
  chat.on("count.add", async ({ req, userId = "" }) => {
    // A connection lives long: others may have counted on since it loaded the session.
    await req.session.reload();
    req.session.webSocketCount = (req.session.webSocketCount ?? 0) + 1;
    await req.session.save();
    await chat.user(userId).send("account.changed");
  });
  return { chat, wsSessions };
}

function memberOf({ groups, userId = "" }: Connection, room: string): string {
  if (groups.has(room)) return userId;
  throw createError(403, "Join this room first.", { code: "not_a_member" });
}
