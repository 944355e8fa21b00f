import { createHmac } from "node:crypto";
import { createClient } from "redis";

export const secret = "bench";
export const cookieMaxAgeMs = 24 * 60 * 60 * 1000;

/** Who is connected: a user for each connection, with one session. */
export function userIds(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `user-${index}`);
}

/** Stores a session of each user as connect-redis stores them, and gives the `Cookie` headers. */
export async function storeSessions(redisUrl: string, users: readonly string[]): Promise<string[]> {
  const client = await createClient({ url: redisUrl })
    .on("error", () => {}) // a lost line rejects the commands
    .connect();
  const expires = new Date(Date.now() + cookieMaxAgeMs);
  await Promise.all(
    users.map((userId) => {
      const session = {
        cookie: { originalMaxAge: cookieMaxAgeMs, expires, secure: false, httpOnly: true, path: "/" },
        login: { userId, at: Date.now(), ip: "127.0.0.1", userAgent: "bench" },
        name: "Ada Lovelace",
        roles: ["member", "editor"],
      };
      const expiration = { type: "PX", value: cookieMaxAgeMs } as const;
      return client.set(`sess:${sidOf(userId)}`, JSON.stringify(session), { expiration });
    }),
  );
  client.destroy();
  return users.map((userId) => `connect.sid=${encodeURIComponent(signed(sidOf(userId)))}`);
}

/** As long as the ids that are made at random. */
function sidOf(userId: string): string {
  return `session-of-${userId}`.padEnd(32, "-");
}

/** As cookie-signature does. */
function signed(sid: string): string {
  const signature = createHmac("sha256", secret).update(sid).digest("base64").replace(/=+$/, "");
  return `s:${sid}.${signature}`;
}
