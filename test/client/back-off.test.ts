import { reconnectDelayMs } from "../../lib/client/back-off.ts";
import { clientConfig } from "../../lib/client/client-options.ts";
import { seededRandom } from "../support/random.ts";

const config = clientConfig({ url: "ws://localhost/", WebSocket: class {} as never });
const never = () => 0;
/** The largest value of Math.random, which never reaches 1. */
const always = () => 1 - 2 ** -53;

function bounds(attempt: number, isPatient = false): [number, number] {
  const of = (random: () => number) => reconnectDelayMs({ attempt, isPatient }, config, random);
  return [of(never), of(always)];
}

describe("reconnectDelayMs", () => {
  test("lies between the minimum and a bound that doubles up to the maximum", () => {
    expect([1, 2, 3, 4, 5, 6, 7].map((attempt) => bounds(attempt))).toEqual([
      [500, 1_000],
      [500, 2_000],
      [500, 4_000],
      [500, 8_000],
      [500, 16_000],
      [500, 30_000],
      [500, 30_000],
    ]);
  });

  test("is ten times as long at first if the server has asked for it", () => {
    expect([1, 2, 3].map((attempt) => bounds(attempt, true))).toEqual([
      [5_000, 10_000],
      [5_000, 20_000],
      [5_000, 30_000],
    ]);
  });

  test("stays within its bounds after any number of attempts", () => {
    expect(bounds(5_000)).toEqual([500, 30_000]);
    const short = { ...config, maxReconnectDelayMs: 100 };
    expect(reconnectDelayMs({ attempt: 9, isPatient: true }, short, always)).toBe(100);
  });

  test("spreads clients that lost their connections together over the whole range", () => {
    const random = seededRandom(7);
    const delays = Array.from({ length: 1_000 }, () =>
      reconnectDelayMs({ attempt: 3, isPatient: false }, config, () => random.int(2 ** 31) / 2 ** 31),
    );
    const tenths = new Set(delays.map((delayMs) => Math.floor(((delayMs - 500) / 3_500) * 10)));
    expect([...tenths].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});
