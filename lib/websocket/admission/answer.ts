import { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Application, Request, Response } from "express";

type Line = Parameters<ServerResponse["assignSocket"]>[0];
const NO_LINES: readonly string[] = [];

type MadeListener = (res: Response) => void;

/**
 * The response to a handshake from a middleware, from `authorize`, or for a refusal. ws writes its own answer. Most
 * handshakes need no such response, so it is made on first use. No response outlives its handshake.
 */
export class Answer {
  readonly #req: Request;
  readonly #socket: Line | undefined;
  readonly #onMade: MadeListener[] = [];
  #res: Response | undefined;

  /** Without a socket, data written to the response is dropped. */
  constructor(req: Request, socket?: Duplex) {
    this.#req = req;
    this.#socket = socket as Line | undefined;
  }

  /** Whether an earlier request of the same line is still being answered. No other answer may be sent then. */
  get isLineTaken(): boolean {
    const lines = [this.#socket, this.#req.socket] as ({ _httpMessage?: unknown } | undefined)[];
    return lines.some((line) => Boolean(line?._httpMessage));
  }

  /** The response, if anybody has asked for it. */
  get made(): Response | undefined {
    return this.#res;
  }

  /** The response, with Express's own methods; the line is closed after it. */
  get res(): Response {
    if (this.#res) return this.#res;
    const res = expressResponse(this.#req);
    this.#res = res;
    if (this.#socket) answerOn(this.#socket, res);
    for (const listener of this.#onMade) listener(res);
    return res;
  }

  /** Calls a listener with the response once it is made, or at once if it exists. */
  whenMade(listener: MadeListener): void {
    if (this.#res) listener(this.#res);
    else this.#onMade.push(listener);
  }

  /** Detaches the line for ws. Returns the cookies that the answer must set. */
  handOver(): readonly string[] {
    if (!this.#res || !this.#socket) return NO_LINES;
    this.#res.detachSocket(this.#socket);
    return [this.#res.getHeader("Set-Cookie") ?? []].flat().map(String);
  }
}

/** Lets a response be written to the line, and closes the line after it. */
function answerOn(line: Line, res: Response): void {
  res.setHeader("Connection", "close");
  res.assignSocket(line);
  res.once("finish", () => {
    res.detachSocket(line);
    closeSoon(line);
  });
}

/** Closes a line once what was written has left. Node 26 hands over the upgrade of a request with a body on a plain Duplex. */
export function closeSoon(line: Line | Duplex): void {
  if ("destroySoon" in line) line.destroySoon();
  else line.end(() => line.destroy());
}

/** Makes a response of Node into one of Express. */
function expressResponse(req: Request): Response {
  const { response } = req.app as Application & { readonly response: object };
  const res = Object.setPrototypeOf(new ServerResponse(req), response) as Response;
  res.req = req;
  res.locals ??= Object.create(null);
  return res;
}
