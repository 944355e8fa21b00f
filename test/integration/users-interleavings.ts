import assert from "node:assert/strict";
import type { DeletionReceipt } from "../../lib/index.ts";
import { UpgradeRefusedError } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { seededRandom } from "../support/random.ts";
import { type Connection, savedBy, whoIs } from "./users-answers.ts";
import { Device } from "./users-device.ts";
import { Turns } from "./users-turns.ts";

/** The data of the backend, read without the library. */
export interface Inspection {
  /** The user of each stored session, by its id, also of sessions without a user. */
  stored(): Promise<Map<string, string | undefined>>;
  /** The ids that the index holds for a user. */
  entered(user: string): Promise<Set<string>>;
}

/** `hands`: sessions also change their user in place, without a new id. */
export type Variant = "logins" | "hands";

interface Login {
  sid: string;
  /** The cookie at that time. */
  device: Device;
}

const LOGINS = ["log-in", "log-in-anew", "log-in-in-place"];
const IN_PLACE = ["log-in-in-place", "log-out-in-place", "other-in-place"];
const KINDS: Record<Variant, readonly string[]> = {
  logins: [
    ...LOGINS,
    ...LOGINS,
    "set",
    "set",
    "whoami",
    "ws-save",
    "connect",
    "connect",
    "log-out",
    "regenerate",
  ],
  hands: [...IN_PLACE, ...IN_PLACE, ...IN_PLACE, "set", "whoami", "log-in"],
};
const OPERATIONS = 8;

/** One run of operations of a user's devices and one or two deletions of all sessions. The seed orders the steps. */
export async function runUsers(
  seed: number,
  nodes: readonly { url: string }[],
  { stored, entered }: Inspection,
  variant: Variant,
): Promise<void> {
  const random = seededRandom(seed);
  const user = `user-${seed}`;
  const other = `other-${seed}`;
  const devices = Array.from({ length: 4 }, () => new Device(nodes));
  const [first, second, anonymous] = devices as [Device, Device, Device];
  const logins: Login[] = [];
  const connections: Connection[] = [];
  /** Sessions that may have had no user or another user in between. */
  const changedHands = new Set<string>();
  const asides: Device[] = [];

  function aside(device: Device): Device {
    const copy = device.copy();
    asides.push(copy);
    return copy;
  }

  async function logIn(device: Device, path: string, as: string, label?: string): Promise<void> {
    // Another login of the same device may answer at the same time, so this cookie is kept separately.
    const own = aside(device);
    const sid = await own.post<string>(random.int(2), `/${path}`, { user: as }, label).catch(unlessDeleted);
    if (sid === undefined) return;
    device.adopt(own, sid);
    if (as === user) logins.push({ sid, device: own });
    else changedHands.add(sid);
  }

  async function connect(device: Device, label?: string): Promise<void> {
    const opened = await device.connect(random.int(2), label).catch((error) => {
      // Its session has ended meanwhile.
      if (!(error instanceof UpgradeRefusedError && error.statusCode === 401)) throw error;
    });
    if (opened) connections.push(opened);
  }

  async function operate(kind: string, label: string): Promise<void> {
    // Changes of the user within one request matter only if there are many.
    const device = variant === "hands" ? first : random.pick(devices);
    if (LOGINS.includes(kind)) await logIn(device, kind, user, label);
    else if (kind === "other-in-place") {
      // The user at the time of the answer is not known before.
      for (const { sid } of logins) changedHands.add(sid);
      await logIn(device, "log-in-in-place", other, label);
    } else if (kind === "log-out-in-place") {
      for (const { sid } of logins) changedHands.add(sid);
      changedHands.add(await device.post<string>(random.int(2), "/log-out-in-place", {}, label));
    } else if (kind === "connect") await connect(device, label);
    else if (kind === "ws-save") {
      await savedBy(random.pick(connections), label);
    } else {
      const query: Record<string, string> = { key: label, value: kind };
      if (random.chance(0.5)) query.explicit = "yes";
      await device
        .post(random.int(2), kind === "whoami" ? "/touch" : `/${kind}`, query, label)
        .catch(unlessDeleted);
    }
  }

  async function deleteAll(label?: string): Promise<void> {
    const finished = [...logins];
    const excepted = random.chance(0.3) && finished.length > 0 ? random.pick(finished).sid : undefined;
    const query = excepted === undefined ? { user } : { user, except: excepted };
    const receipt = await aside(first).post<DeletionReceipt>(random.int(2), "/delete", query, label);
    assert.deepEqual(receipt.silentNodes, [], "every node has answered");
    const over = finished.filter(({ sid }) => sid !== excepted && !changedHands.has(sid));
    const ended = new Set(over.map(({ sid }) => sid));
    // Read now for the first time, and at the end again.
    await Promise.all([assertEnded(over), assertSilent(ended)]);
    endedForGood.push(...over);
  }

  const endedForGood: Login[] = [];

  async function assertEnded(over: readonly Login[]): Promise<void> {
    await Promise.all(
      over.map(async ({ sid, device }) => {
        const { userId } = await aside(device).whoAmI(random.int(2));
        if (changedHands.has(sid)) return;
        assert.notEqual(userId, user, `${sid} answers as the user after deleteUserSessions`);
      }),
    );
  }

  /** Asserts that no connection of these sessions answers. */
  async function assertSilent(ended: ReadonlySet<string>): Promise<void> {
    await Promise.all(
      connections.map(async (connection) => {
        const answer = await whoIs(connection, `asked ${performance.now()}`);
        if (answer === undefined || changedHands.has(answer.sid)) return;
        assert.ok(
          !ended.has(answer.sid),
          `a connection answers as ${answer.userId} after deleteUserSessions`,
        );
      }),
    );
  }

  try {
    await Promise.all([
      logIn(first, random.pick(LOGINS), user),
      logIn(second, random.pick(LOGINS), user),
      anonymous.post(0, "/set", { key: "begun", value: "yes" }),
    ]);
    await Promise.all([connect(first), connect(second), connect(anonymous)]);

    const turns = new Turns(random);
    const deletions = random.chance(0.3) ? 2 : 1;
    for (let at = 0; at < OPERATIONS; at++) {
      const label = `${seed}-${at}`;
      const isDeletion = at >= OPERATIONS - deletions;
      const kind = random.pick(KINDS[variant]);
      // Never more than the operations before it, so one can always begin.
      const after = random.int(at + 1);
      turns.add(label, after, () => (isDeletion ? deleteAll(label) : operate(kind, label)));
    }
    await turns.run();

    await assertEnded(endedForGood);
    await assertIndexed();
    await Promise.all(connections.map((connection) => eventually(() => assertConnected(connection))));
    await deleteAllForGood();
  } finally {
    for (const { ws } of connections) ws.terminate();
    for (const device of [...devices, ...asides]) device.close();
  }

  /** Asserts that the index has every live session with a user. */
  async function assertIndexed(): Promise<void> {
    const sessions = await stored();
    for (const somebody of [user, other]) {
      const entries = await entered(somebody);
      const living = [...sessions].filter(([, userId]) => userId === somebody).map(([sid]) => sid);
      assert.deepEqual(
        living.filter((sid) => !entries.has(sid)),
        [],
        `sessions that live with ${somebody} and are missing from the index`,
      );
      if (variant === "logins") {
        const dangling = [...entries].filter((sid) => !living.includes(sid));
        assert.deepEqual(dangling, [], `entries of ${somebody} whose session is gone`);
      }
    }
  }

  /** Asserts that every open connection has a live session. */
  async function assertConnected(connection: Connection): Promise<void> {
    const answer = await whoIs(connection, `at the end ${performance.now()}`);
    if (connection.inbox.closed) return;
    assert.ok(answer, "a connection neither answers nor closes");
    // A handshake without a stored session has a new one that is never stored, so nobody can end it.
    if (!devices.some(({ sids }) => sids.has(answer.sid))) return;
    assert.ok(
      (await stored()).has(answer.sid),
      `a connection stays open whose session ${answer.sid} is gone`,
    );
  }

  async function deleteAllForGood(): Promise<void> {
    for (const somebody of [user, other]) await aside(first).deleteSessionsOf(random.int(2), somebody);
    const left = [...(await stored())].filter(([, userId]) => userId === user || userId === other);
    assert.deepEqual(left, [], "deleteUserSessions leaves nothing when nothing else runs");
  }
}

function unlessDeleted(error: { status?: number }): undefined {
  if (error.status !== 401) throw error;
}
