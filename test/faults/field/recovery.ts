import { setTimeout as delay } from "node:timers/promises";
import type { World } from "./world.ts";

/** Milliseconds in which a message must arrive, and how long recovery is waited for at most. */
const ARRIVES_WITHIN_MS = 1_500;
const LIMIT_MS = 60_000;

/** Milliseconds until everything works again. `undefined` if that takes more than a minute. */
export async function untilRight(world: World): Promise<number | undefined> {
  const begun = Date.now();
  while (Date.now() - begun < LIMIT_MS) {
    const checkedAt = Date.now();
    if (await isRight(world)) return checkedAt - begun;
    await delay(250);
  }
  return undefined;
}

/** Whether each device is logged in and connected, and receives messages of each node to its user and a group. */
async function isRight({ devices, ledger, urls }: World): Promise<boolean> {
  for (const device of devices) {
    const { body } = await device.request("/me", device.cookie, "GET");
    if ((body as { user?: string } | undefined)?.user !== device.user)
      return !(await device.logIn()) && false;
  }
  if (devices.some(({ line }) => !line)) return false;
  const [first] = urls();
  if (!first) return false;
  const joins = devices.map(({ user }) => ledger.change(first, { kind: "join", user, group: "all" }));
  if ((await Promise.all(joins)).some(({ ackedAt }) => ackedAt === undefined)) return false;
  const sent = await Promise.all(
    urls().flatMap((by) => [
      ledger.send(by, { group: "all" }),
      ...devices.map(({ user }) => ledger.send(by, { user })),
    ]),
  );
  if (sent.some(({ ackedAt }) => ackedAt === undefined)) return false;
  const deadline = Date.now() + ARRIVES_WITHIN_MS;
  const hasAll = () =>
    devices.every(({ user, line }) => {
      const heard = new Set(line?.heard.map(({ n }) => n));
      return sent.every(({ n, to }) => ("user" in to && to.user !== user) || heard.has(n));
    });
  while (!hasAll() && Date.now() < deadline) await delay(50);
  return hasAll();
}
