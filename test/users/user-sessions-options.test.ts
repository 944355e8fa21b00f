import {
  memoryBackend,
  sessionMiddleware,
  sessionMiddlewareStack,
  type UserSessionsOptions,
  userSessions,
} from "../../lib/index.ts";
import { secret } from "./support.ts";

const stack = sessionMiddlewareStack(sessionMiddleware({ secret, backend: memoryBackend() }));

describe("userSessions", () => {
  test.each([
    ["keep", "cart"],
    ["keep", { cart: true }],
    ["keep", null],
    ["keep", [1]],
    ["maxSessionsPerUser", 0],
    ["maxSessionsPerUser", -1],
    ["maxSessionsPerUser", 1.5],
    ["maxSessionsPerUser", Number.NaN],
    ["maxSessionsPerUser", "2"],
    ["maxSessionsPerUser", null],
    ["ackTimeoutMs", 0],
    ["ackTimeoutMs", -1],
    ["ackTimeoutMs", Number.NaN],
    ["ackTimeoutMs", "500"],
    ["ackTimeoutMs", Number.POSITIVE_INFINITY],
  ])("throws a TypeError that names the option: %s as %p", (name, value) => {
    const create = () => userSessions(stack, { [name]: value } as UserSessionsOptions);
    expect(create).toThrow(TypeError);
    expect(create).toThrow(`"${name}"`);
  });

  test.each([
    ["keep", []],
    ["keep", ["cart"]],
    ["maxSessionsPerUser", 1],
    ["maxSessionsPerUser", Number.POSITIVE_INFINITY],
    ["ackTimeoutMs", 1],
  ])("takes what is right: %s as %p", (name, value) => {
    expect(() => userSessions(stack, { [name]: value })).not.toThrow();
  });

  test.each(["keep", "maxSessionsPerUser", "ackTimeoutMs"])(
    "treats an undefined %s as one that is not given",
    (name) => {
      expect(() => userSessions(stack, { [name]: undefined } as UserSessionsOptions)).not.toThrow();
    },
  );

  test("leaves the caller's options as they are", () => {
    const options = Object.freeze({ keep: Object.freeze(["cart"]), maxSessionsPerUser: 3 });
    expect(() => userSessions(stack, options)).not.toThrow();
  });

  test.each([
    ["nothing", undefined],
    ["the middleware, called", stack()],
    ["a session middleware", sessionMiddleware({ secret, backend: memoryBackend() })],
    ["an object", {}],
    ["a string", "stack"],
  ])("throws a TypeError that says what a stack is, for %s", (_name, given) => {
    expect(() => userSessions(given as never)).toThrow(TypeError);
    expect(() => userSessions(given as never)).toThrow("sessionMiddlewareStack");
  });

  test.each([
    ["a string", "user"],
    ["an object", {}],
    ["null", null],
  ])("sessionMiddleware throws a TypeError for userId that is %s", (_name, userId) => {
    expect(() => sessionMiddleware({ secret, userId: userId as never })).toThrow('"userId"');
  });

  test("refuses NaN as a user", async () => {
    await expect(userSessions(stack).listUserSessions(Number.NaN)).rejects.toThrow(TypeError);
  });
});
