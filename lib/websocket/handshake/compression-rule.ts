import { createDeflateRaw, createInflateRaw, type ZlibOptions } from "node:zlib";
import type { PerMessageDeflateOptions } from "ws";
import { isOptionsObject } from "../../options/options-object.ts";
import { type Rule, type Rules, trueOrFalse, wholeNumber } from "../../options/rule.ts";

/** Bits of a window (RFC 7692, section 7.1.2), or whether the client may say how many. */
const windowBits: Rule = {
  expected: "a whole number from 8 to 15, or true or false",
  isRight: (value) =>
    typeof value === "boolean" || (wholeNumber("", 15).isRight(value) && Number(value) >= 8),
};

/**
 * The rule of one zlib option. zlib would refuse a wrong value only with the first message, and that would end the
 * process.
 */
function ofZlib(name: keyof ZlibOptions, make: (options: ZlibOptions) => { close(): void }): Rule {
  return {
    expected: "a value that zlib accepts",
    isRight(value) {
      try {
        make({ [name]: value }).close();
        return true;
      } catch {
        return false;
      }
    },
  };
}

function zlibRule(make: (options: ZlibOptions) => { close(): void }): Rule {
  const names = [
    ...(["flush", "finishFlush", "chunkSize", "windowBits"] as const),
    ...(["level", "memLevel", "strategy", "dictionary"] as const),
  ];
  const inside = Object.fromEntries(names.map((name) => [name, ofZlib(name, make)]));
  return {
    expected: "an object with zlib's options",
    isRight: isOptionsObject,
    inside: { ...inside, info: trueOrFalse },
  };
}

const INSIDE: Rules<PerMessageDeflateOptions> = {
  serverNoContextTakeover: trueOrFalse,
  clientNoContextTakeover: trueOrFalse,
  serverMaxWindowBits: windowBits,
  clientMaxWindowBits: windowBits,
  zlibDeflateOptions: zlibRule(createDeflateRaw),
  zlibInflateOptions: zlibRule(createInflateRaw),
  threshold: {
    expected: "a number of bytes, 0 or more",
    isRight: (value) => typeof value === "number" && value >= 0,
  },
  concurrencyLimit: {
    expected: "a whole number, at least 1, or Infinity",
    isRight: (value) => value === Number.POSITIVE_INFINITY || wholeNumber("").isRight(value),
  },
};

/**
 * The rule of webSocketSessions' option `perMessageDeflate`. ws itself accepts any value, and fails with the first
 * message.
 */
export const compressionRule: Rule = {
  expected: "true, false or an object with ws's options",
  isRight: (value) => typeof value === "boolean" || isOptionsObject(value),
  inside: INSIDE as unknown as Rules,
};
