import type { Connection, Realtime } from "../../lib/index.ts";

/** What an event may do with a name. The client sees the result. */
const USES: Record<string, (connection: Connection, name: string, chat: Realtime) => unknown> = {
  async group(connection, name, chat) {
    await connection.join(name);
    await chat.group(name).send("news", { name });
    const isIn = connection.groups.has(name);
    const isMember = (await chat.groupsOf(connection.userId as string)).includes(name);
    const members = await chat.members(name);
    await connection.leave(name);
    return { isIn, isMember, members };
  },
  async user(_connection, name, chat) {
    await chat.user(name).send("news", { name });
    return { sessions: (await chat.activeSessions(name)).length };
  },
  async data({ store }, name) {
    await store.set(name, { name });
    const value = await store.get(name);
    await store.delete(name);
    return { value, after: (await store.get(name)) ?? null };
  },
  async session({ req }, name) {
    const session = req.session as unknown as Record<string, unknown>;
    if (name in session) return { isTaken: true };
    session[name] = name;
    await req.session.save();
    await req.session.reload();
    const value = (req.session as unknown as Record<string, unknown>)[name];
    delete (req.session as unknown as Record<string, unknown>)[name];
    await req.session.save();
    return { value };
  },
};

export const NAME_USES: readonly string[] = Object.keys(USES);

/** Adds events that use names of clients, like an app that passes its input on. */
export function handleNames(chat: Realtime): void {
  for (const [use, run] of Object.entries(USES))
    chat.on(`name.${use}`, async (connection, { name }) => {
      try {
        return await run(connection, name, chat);
      } catch (error) {
        const { name: kind, message, code } = error as Error & { code?: string };
        return { refused: code ?? `${kind}: ${message}` };
      }
    });
}
