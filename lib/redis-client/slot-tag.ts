import { isCluster, keyPrefixOf, type RedisClient } from "./redis-client.ts";

/**
 * The part of a key that decides its slot in a cluster, if it is not the whole key: the text between the first `{` and
 * the first `}` after it, unless it is empty.
 */
export function slotTag(key: string): string | undefined {
  const open = key.indexOf("{");
  const close = key.indexOf("}", open + 1);
  return open < 0 || close <= open + 1 ? undefined : key.slice(open + 1, close);
}

/**
 * Throws for a prefix by which related keys would lie in different slots of a cluster. Braces in a prefix are right if
 * they make a tag, which then decides the slot of all keys.
 */
export function assertPrefixOfSlots(factory: string, client: RedisClient, prefix: string): void {
  if (!isCluster(client)) return;
  const keyPrefix = keyPrefixOf(client);
  const whole = `${keyPrefix}${prefix}`;
  if (!/[{}]/.test(whole) || slotTag(whole) !== undefined) return;
  const [option, what] = /[{}]/.test(prefix) ? ["prefix", "a prefix"] : ["client", "a keyPrefix"];
  throw new TypeError(
    `${factory}: option "${option}" must have ${what} without braces, or with text between both, as "{app}:", on a cluster: other braces tear apart what belongs into one slot`,
  );
}
