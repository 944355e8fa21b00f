import { setImmediate as nextTurn } from "node:timers/promises";
import { after } from "../../time/after.ts";
import type { Events } from "../messages/events.ts";
import type { RealtimeConnection } from "../realtime-connection.ts";

/** The authority that decides which users may be in a group. */
export interface GroupAuthority {
  readonly events: Events;
  authorize(userId: string | undefined, group: string): boolean | Promise<boolean>;
}

/**
 * Groups that the app is asked about at a time, and in one turn of the event loop. After the turn, the answers may no
 * longer be wanted.
 */
const ASKED_AT_A_TIME = 50;

/** Milliseconds that `authorizeGroup` may take while a connection waits for its groups. */
const AUTHORIZE_TIMEOUT_MS = 10_000;

/**
 * Asks the app which of these groups a connection may be in, for as long as the answers are wanted.
 *
 * If the app fails to answer for a group, the group is left out this time, and the user stays a member. Once the app
 * has answered nothing for as long as one answer may take, this asks no more.
 */
export async function allowedGroups(
  { authorize, events }: GroupAuthority,
  connection: RealtimeConnection,
  groups: readonly string[],
  isWanted: () => boolean,
): Promise<Map<string, boolean>> {
  const allowed = new Map<string, boolean>();
  const waiting = groups.values();
  let answeredAt = performance.now();
  let asked = 0;
  let turn: Promise<void> | undefined;
  async function askOneByOne(): Promise<void> {
    for (const group of waiting) {
      while (turn) await turn;
      if (!isWanted()) return;
      if (performance.now() - answeredAt >= AUTHORIZE_TIMEOUT_MS) {
        allowed.set(group, false);
        continue;
      }
      if (++asked % ASKED_AT_A_TIME === 0)
        turn = nextTurn().then(() => {
          turn = undefined;
        });
      try {
        allowed.set(group, await inTime(authorize(connection.userId, group)));
        answeredAt = performance.now();
      } catch (error) {
        allowed.set(group, false);
        events.errors.report(error, connection);
      }
    }
  }
  await Promise.all(Array.from({ length: ASKED_AT_A_TIME }, askOneByOne));
  return allowed;
}

/** The answer of `authorizeGroup`. Rejects if the answer takes too long. */
function inTime(answer: boolean | Promise<boolean>): boolean | Promise<boolean> {
  if (!(answer instanceof Promise)) return answer;
  return new Promise((resolve, reject) => {
    const late = new Error(
      `authorizeGroup did not answer within ${AUTHORIZE_TIMEOUT_MS} ms; the group was left out.`,
    );
    const cancel = after(AUTHORIZE_TIMEOUT_MS, () => reject(late));
    answer.then(resolve, reject).finally(cancel);
  });
}
