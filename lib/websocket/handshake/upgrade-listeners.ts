import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { asksForWebSocket } from "./handshake.ts";

type IsMine = (req: IncomingMessage) => boolean;

/** The `handleUpgrade` functions of this package, with what each says of a request's path. */
const handlers = new WeakMap<object, IsMine>();

/** Which of them answers a request, and what its line was like then. */
interface Claim {
  readonly by: object;
  readonly readers: number;
  readonly written: number;
}

const claims = new WeakMap<IncomingMessage, Claim>();

/** The HTTP server of a line, if it is of one. */
export function serverOf(socket: Duplex): EventEmitter | undefined {
  return (socket as { server?: EventEmitter }).server;
}

/**
 * The place of one `handleUpgrade` among the upgrade listeners of servers: what is its to answer, and what is not
 * because somebody else has been first. Of each server it tells once what is wrong there.
 */
export class UpgradeListener {
  readonly #handleUpgrade: object;
  readonly #isMine: IsMine;
  readonly #report: (error: Error, req: IncomingMessage) => void;
  readonly #where: string;
  readonly #told = new WeakSet<object>();

  constructor(
    handleUpgrade: object,
    path: string | undefined,
    isMine: IsMine,
    report: (error: Error, req: IncomingMessage) => void,
  ) {
    this.#handleUpgrade = handleUpgrade;
    this.#isMine = isMine;
    this.#report = report;
    this.#where = path === undefined ? "every path" : `the path ${JSON.stringify(path)}`;
    handlers.set(handleUpgrade, isMine);
  }

  /** Whether the server itself calls it, and no listener of the app does. */
  isCalledByServer(socket: Duplex): boolean {
    return Boolean(
      serverOf(socket)
        ?.listeners("upgrade")
        .includes(this.#handleUpgrade as never),
    );
  }

  /**
   * Has a request answered if it is this one's to answer. A handshake for its path is taken at once, unless somebody else
   * has been first; what else comes only after all who are called with it, if none of them has taken it.
   */
  receive(req: IncomingMessage, socket: Duplex, answer: () => void): void {
    if (this.#isMine(req) && asksForWebSocket(req)) {
      if (this.#take(req, socket)) answer();
    } else if (this.#isMine(req) || this.#mayRefuse(req, socket)) {
      const readers = readersOf(socket);
      queueMicrotask(() => {
        if (claims.has(req) || isAnswered(socket) || readersOf(socket) > readers) return;
        this.#claim(req, socket);
        answer();
      });
    }
  }

  #take(req: IncomingMessage, socket: Duplex): boolean {
    const claim = claims.get(req);
    if (claim) {
      this.#tell(req, socket, claim.by === this.#handleUpgrade ? mountedTwice() : sharedPath(this.#where));
      return false;
    }
    if (isAnswered(socket)) {
      this.#tell(req, socket, answeredElsewhere(this.#where));
      return false;
    }
    this.#claim(req, socket);
    return true;
  }

  #claim(req: IncomingMessage, socket: Duplex): void {
    claims.set(req, { by: this.#handleUpgrade, readers: readersOf(socket), written: writtenOn(socket) });
  }

  /** Whether somebody of another package has answered a request that was taken. */
  isAnsweredElsewhere(req: IncomingMessage, socket: Duplex): boolean {
    const claim = claims.get(req);
    // Whoever has made what else of it reads and writes it.
    const hasOther = claim && readersOf(socket) > claim.readers && writtenOn(socket) > claim.written;
    if (!isAnswered(socket) && !hasOther) return false;
    this.#tell(req, socket, answeredElsewhere(this.#where));
    return true;
  }

  /**
   * Whether a request for another path may be this handler's to refuse: nobody else listens to the server's upgrades,
   * or only handlers of this package, none of them wants it, and this one is the first.
   */
  #mayRefuse(req: IncomingMessage, socket: Duplex): boolean {
    const listeners: object[] = serverOf(socket)?.listeners("upgrade") ?? [];
    // Called by the app's own listener, which thereby has handed the request over.
    if (!listeners.includes(this.#handleUpgrade)) return true;
    if (listeners.some((listener) => handlers.get(listener)?.(req) ?? true)) return false;
    return listeners[0] === this.#handleUpgrade;
  }

  #tell(req: IncomingMessage, socket: Duplex, trouble: string): void {
    const server = serverOf(socket) ?? this;
    if (this.#told.has(server)) return;
    this.#told.add(server);
    this.#report(new Error(trouble), req);
  }
}

/** Whether somebody has answered on a line: has ended it, or has made a WebSocket of it with whichever copy of ws. */
function isAnswered(socket: Duplex): boolean {
  return (
    socket.writableEnded ||
    Object.getOwnPropertySymbols(socket).some(
      (symbol) => symbol.description === "websocket" && (socket as never)[symbol] !== undefined,
    )
  );
}

/** Who reads a line. Node, when it upgrades one, does so no more. */
function readersOf(socket: Duplex): number {
  return socket.listenerCount("data") + socket.listenerCount("readable");
}

function writtenOn(socket: Duplex): number {
  return (socket as { bytesWritten?: number }).bytesWritten ?? 0;
}

function mountedTwice(): string {
  return (
    "webSocketSessions: handleUpgrade was called twice for one handshake; the second call was ignored. " +
    'Add it to a server once: remove the other server.on("upgrade", …) that calls it.'
  );
}

function sharedPath(where: string): string {
  return (
    `webSocketSessions: another webSocketSessions of this server has already taken a handshake for ${where}, and ` +
    "answers it alone. Give each a path of its own, or use one of them for both."
  );
}

function answeredElsewhere(where: string): string {
  return (
    `webSocketSessions: another "upgrade" listener of this server has answered a handshake for ${where}, which was ` +
    "left to it. Let each path have one who answers: give webSocketSessions a path, and have the other one leave that " +
    "alone; ws does with { noServer: true } and a listener that looks at the path."
  );
}
