import { setImmediate as nextTurn } from "node:timers/promises";
import { after } from "../../time/after.ts";
import type { Events } from "../messages/events.ts";
import type { RealtimeConnection } from "../realtime-connection.ts";

/** What says who may be in a group. */
export interface GroupAuthority {
  readonly events: Events;
  authorize(userId: string | undefined, group: string): boolean | Promise<boolean>;
}

/** Groups that the app is asked of at a time, and in one turn: what was asked for may not be wanted any more after it. */
const ASKED_AT_A_TIME = 50;

/** Milliseconds that `authorizeGroup` may take while a connection waits for its groups. */
const AUTHORIZE_TIMEOUT_MS = 10_000;

/**
 * Asks the app which of its groups a user's connection may be in, for as long as it is wanted. A group that cannot be
 * asked of is left out for this time, and its user stays a member. Once the app has answered nothing for as long as one
 * answer may take, it is asked no more.
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

/** What `authorizeGroup` says, if it says anything. */
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
