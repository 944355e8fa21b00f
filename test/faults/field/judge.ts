import { closeCodes } from "../../../lib/index.ts";
import type { Device, Line } from "./device.ts";
import type { Ledger, Sent } from "./ledger.ts";

/** The observed violations of guarantees that hold under every fault. */
export interface Judgement {
  readonly wrong: string[];
  /** Acknowledged messages that did not arrive at a user who was connected all the time. */
  readonly lost: number;
  readonly delivered: number;
}

/** Milliseconds that a connection must be open before and after a message that counts as lost. */
const STEADY_MS = 2_000;

/** The close codes of a connection whose session has ended or has changed its user. */
const ENDS: readonly (number | undefined)[] = [closeCodes.session_ended, closeCodes.session_replaced];

/** With `areLost`, the fault itself may have ended sessions. */
export function judge(devices: readonly Device[], ledger: Ledger, areLost: boolean): Judgement {
  const wrong: string[] = [];
  const byNumber = new Map(ledger.sent.map((sent) => [sent.n, sent]));
  let delivered = 0;
  for (const { user, lines } of devices) {
    for (const line of lines) {
      delivered += line.heard.length;
      if (!areLost && ENDS.includes(line.code) && !isEnded(ledger, line))
        wrong.push(`a connection of ${user} was closed with ${line.code}, and nobody had ended its session`);
      const seen = new Set<number>();
      const last = new Map<string, number>();
      for (const { n } of line.heard) {
        const sent = byNumber.get(n);
        if (!sent) continue;
        if (seen.has(n)) wrong.push(`${n} came twice to ${user}`);
        seen.add(n);
        const from = `${sent.by} ${JSON.stringify(sent.to)}`;
        const before = last.get(from) ?? 0;
        // A failed send proves nothing: a client that repeats commands, as a sentinel's does, may send it later.
        if (n < before && sent.ackedAt !== undefined) wrong.push(`${n} came to ${user} after ${before}`);
        last.set(from, Math.max(n, before));
        if (isAfterLeave(ledger, user, sent)) wrong.push(`${n} came to ${user}, who had left`);
        if (isAfterEnd(ledger, line, sent))
          wrong.push(`${n} came to ${user}, whose sessions had been deleted`);
      }
    }
  }
  return { wrong, lost: lostOf(devices, ledger), delivered };
}

/** Whether the end of the user's sessions was requested before the line closed. */
function isEnded({ changes }: Ledger, { user, closedAt }: Line): boolean {
  return changes.some(
    (change) => change.kind === "delete" && change.user === user && change.begunAt < closedAt,
  );
}

/** Whether a message to a group was sent after the user's acknowledged leave and before a later join. */
function isAfterLeave(
  { changes, undoneAt = Infinity }: Ledger,
  user: string,
  { to, begunAt, ackedAt }: Sent,
): boolean {
  if (!("group" in to)) return false;
  const own = changes.filter((change) => change.user === user && change.group === to.group);
  const left = own.findLast(
    ({ kind, ackedAt }) => kind === "leave" && ackedAt !== undefined && ackedAt < begunAt,
  );
  if (!left || (left.begunAt < undoneAt && (ackedAt ?? Infinity) > undoneAt)) return false;
  const until = ackedAt ?? Infinity;
  // A join without an acknowledgement may take effect at any time after the call.
  return !own.some((change) => change.kind === "join" && change.begunAt < until && isNotBefore(change, left));
}

function isNotBefore(
  change: { begunAt: number; ackedAt: number | undefined },
  left: { begunAt: number },
): boolean {
  return change.ackedAt === undefined || change.ackedAt > left.begunAt;
}

/** Whether a message was sent after the acknowledged end of all sessions that the user had when the line opened. */
function isAfterEnd({ changes }: Ledger, line: Line, { begunAt }: Sent): boolean {
  return changes.some(
    (change) =>
      change.kind === "delete" &&
      change.user === line.user &&
      change.ackedAt !== undefined &&
      line.openedAt < change.begunAt &&
      change.ackedAt < begunAt,
  );
}

function lostOf(devices: readonly Device[], { sent, changes }: Ledger): number {
  let lost = 0;
  for (const { to, n, begunAt, ackedAt } of sent) {
    if (!("user" in to) || ackedAt === undefined) continue;
    const lines = devices.filter(({ user }) => user === to.user).flatMap((device) => device.lines);
    // A node that stands still may still have a message when the user's sessions end.
    const isEnded = (openedAt: number) =>
      changes.some(({ kind, user, begunAt: at }) => kind === "delete" && user === to.user && openedAt < at);
    const steady = lines.filter(
      ({ openedAt, closedAt }) =>
        openedAt < begunAt - STEADY_MS && closedAt > ackedAt + STEADY_MS && !isEnded(openedAt),
    );
    if (steady.some(({ heard }) => !heard.some((message) => message.n === n))) lost++;
  }
  return lost;
}
