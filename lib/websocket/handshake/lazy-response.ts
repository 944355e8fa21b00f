import type { Response } from "express";
import type { Answer } from "../admission/answer.ts";

/** The target of a lazy response. */
interface Lazy {
  readonly answer: Answer;
}

/** Forwards every access to the real response, which the first access creates. Methods are bound to the real response. */
const HANDLER: ProxyHandler<Lazy> = {
  get({ answer: { res } }, name) {
    const member: unknown = Reflect.get(res, name);
    return typeof member === "function" ? member.bind(res) : member;
  },
  set: ({ answer: { res } }, name, value) => Reflect.set(res, name, value),
  has: ({ answer: { res } }, name) => Reflect.has(res, name),
  deleteProperty: ({ answer: { res } }, name) => Reflect.deleteProperty(res, name),
  defineProperty: ({ answer: { res } }, name, is) => Reflect.defineProperty(res, name, is),
  getPrototypeOf: ({ answer: { res } }) => Reflect.getPrototypeOf(res),
};

/**
 * A response that is made on first access, for a function of the app that may not need one. The function's `length` does
 * not tell whether it uses its second argument, and most functions admit a handshake without it.
 */
export function lazyResponse(answer: Answer): Response {
  return answer.made ?? (new Proxy<Lazy>({ answer }, HANDLER) as unknown as Response);
}
