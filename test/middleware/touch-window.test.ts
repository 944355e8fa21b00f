import { TouchWindow } from "../../lib/middleware/response/touch-window.ts";

const WINDOW_MS = 60_000;
const LIFE_MS = 3_600_000;

let now: number;
let touches: TouchWindow;

beforeEach(() => {
  now = Date.now();
  jest.spyOn(Date, "now").mockImplementation(() => now);
  touches = new TouchWindow(WINDOW_MS);
});

afterEach(() => jest.restoreAllMocks());

/** Whether a session that was saved at that time is due for a touch. */
function isDue(savedAt: number): boolean {
  return touches.enter("a", LIFE_MS, { savedAt });
}

test("a session is due when the window has passed since its last save or touch", () => {
  const savedAt = now;
  expect(isDue(savedAt)).toBe(false);
  now += WINDOW_MS;
  expect(isDue(savedAt)).toBe(true);
  expect(isDue(savedAt)).toBe(false);
  now += WINDOW_MS;
  expect(isDue(savedAt)).toBe(true);
});

test("after the clock is set back, each session is touched once, and then by its window", () => {
  const savedAt = now;
  now += WINDOW_MS;
  expect(isDue(savedAt)).toBe(true);
  now -= LIFE_MS;
  expect([isDue(savedAt), isDue(savedAt), isDue(savedAt)]).toEqual([true, false, false]);
  now += WINDOW_MS;
  expect([isDue(savedAt), isDue(savedAt)]).toEqual([true, false]);
});

test("a session saved by a node whose clock is ahead is touched once, not with each request", () => {
  const savedAt = now + 5_000;
  expect([isDue(savedAt), isDue(savedAt), isDue(savedAt)]).toEqual([true, false, false]);
});
