import {
  sessionMiddleware,
  sessionMiddlewareStack,
  userSessions,
  webSocketSessions,
} from "../../lib/index.ts";

const middleware = sessionMiddleware({ secret: "s" });
const sessionStack = sessionMiddlewareStack(middleware);

interface Emitting {
  on(event: string, listener: unknown): unknown;
  off(event: string, listener: unknown): unknown;
}

// Once, a misspelt event was accepted, and its listener was never called or called for another event.
describe.each<[whose: string, emitting: unknown, event: string, misspelt: string]>([
  ["sessionMiddleware", middleware, "error", "errors"],
  ["sessionStack", sessionStack, "error", "Error"],
  ["userSessions", userSessions(sessionStack), "user_logged_in", "userLoggedIn"],
  ["webSocketSessions", webSocketSessions(sessionStack), "connection", "conection"],
])("listening to %s", (whose, emitting, event, misspelt) => {
  const { on, off } = emitting as Emitting;

  test.each([on, off])("accepts only known event names", (method) => {
    expect(() => method(event, () => {})).not.toThrow();
    const meant = `${whose}: unknown event "${misspelt}"; did you mean "${event}"?`;
    expect(() => method(misspelt, () => {})).toThrow(new TypeError(meant));
    expect(() => method("nothing", () => {})).toThrow(`${whose}: unknown event "nothing"; it has "`);
    expect(() => method(undefined as never, () => {})).toThrow(TypeError);
  });

  test.each([undefined, null, "f", {}])(
    "accepts only a function as a listener, and refuses %p",
    (listener) => {
      const wrong = new TypeError(`${whose}: the listener of "${event}" must be a function`);
      expect(() => on(event, listener)).toThrow(wrong);
      expect(() => off(event, listener)).toThrow(wrong);
    },
  );
});
