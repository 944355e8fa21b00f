import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import { type ServerOptions, WebSocket } from "ws";
import { closeCodes } from "../close-codes.ts";
import type { Batch, Framing } from "../lines/batch.ts";
import type { Follower, Line } from "../lines/line.ts";
import type { AsyncScope } from "./async-scope.ts";
import { guardedCallback, guardedHandler, unguardedHandler } from "./guarded-handler.ts";
import { textFrames } from "./text-frames.ts";
import { unwrittenBytesOf } from "./unwritten-bytes.ts";

/** How long a client may take to answer a close before its connection is cut. */
export const CLOSE_TIMEOUT_MS = 1000;

/** Looks after a connection, whatever the app does with its listeners. */
export interface Keeper {
  /** A function of the app has thrown, or rejected. */
  onFailure(error: unknown): void;
  /** Called before any listener. */
  onClosed(code: number): void;
}

/** The shared empty list: most connections have no callbacks for their close. */
const NOBODY: readonly (() => void)[] = [];

/** The handler attributes that ws has, as browsers do, such as `onmessage`. */
const ATTRIBUTES = ["onopen", "onmessage", "onclose", "onerror"] as const;

/**
 * ws's WebSocket, with four differences. Once the session has ended, no message passes in either direction. An error of
 * a listener or callback, thrown or rejected, ends this connection and not the process, however it was added. `close`
 * reports the code of this side if this side has ended it, also if the client does not answer. Listeners run in the
 * async context of the handshake.
 */
export class SessionWebSocket extends WebSocket implements Line {
  static {
    // EventEmitter calls this method with the rejections that it captures.
    Object.defineProperty(SessionWebSocket.prototype, EventEmitter.captureRejectionSymbol, {
      value(this: SessionWebSocket, error: unknown) {
        this.fail(error);
      },
    });
    for (const name of ATTRIBUTES) {
      const { get, set, ...inherited } = Object.getOwnPropertyDescriptor(
        WebSocket.prototype,
        name,
      ) as PropertyDescriptor;
      Object.defineProperty(SessionWebSocket.prototype, name, {
        ...inherited,
        get(this: SessionWebSocket) {
          return unguardedHandler(get?.call(this));
        },
        // ws adds it by addEventListener.
        set(this: SessionWebSocket, handler: unknown) {
          set?.call(this, handler);
        },
      });
    }
  }

  #isMuted = false;
  /** The code and reason if this side has ended it. ws would report 1006 for a client that does not answer. */
  #ended: readonly [code: number, reason: Buffer] | undefined;
  #follower: Follower | undefined;
  #keeper: Keeper | undefined;
  #scope: AsyncScope | undefined;
  #onClosed: readonly (() => void)[] = NOBODY;
  /** How many emits are running, one inside the other. */
  #depth = 0;

  constructor(address: null, protocols: undefined, options: ServerOptions) {
    // @ts-expect-error: ws's types leave out the options that a server's side is made with.
    super(address, protocols, options);
    // ws does not pass options on to EventEmitter, so its constructor is called again. Without `_events` it treats this
    // as a new emitter. Otherwise no `removeListener` event would be emitted.
    Reflect.deleteProperty(this, "_events");
    (EventEmitter as unknown as (this: EventEmitter, options: object) => void).call(this, {
      captureRejections: true,
    });
  }

  /** Sets the keeper, and the async context that listeners run in, if one is given. */
  keep(keeper: Keeper, scope: AsyncScope | undefined): void {
    this.#keeper = keeper;
    this.#scope = scope;
  }

  /** Calls a function of the app in the async context of the listeners. */
  run<Result>(call: () => Result): Result {
    return this.#scope ? this.#scope(call) : call();
  }

  /**
   * Calls a function once the connection is closed, whatever the app's listeners do. A listener would not be reliable
   * here.
   */
  onceClosed(onClosed: () => void): void {
    if (this.readyState === WebSocket.CLOSED) onClosed();
    else this.#onClosed = [...this.#onClosed, onClosed];
  }

  /** Sends a message. After the session's end it is dropped, as after a close, also in the moment before the close. */
  override send(data: Parameters<WebSocket["send"]>[0], options?: unknown, done?: unknown): void {
    const [given, last] = [guardedCallback(options, this), guardedCallback(done, this)];
    if (!this.#isMuted) {
      super.send(data, given as never, last as never);
      return;
    }
    const callback = typeof given === "function" ? given : last;
    if (typeof callback === "function") callback(new Error("The session of this connection has ended"));
  }

  override ping(...given: Parameters<WebSocket["ping"]>): void {
    super.ping(...this.#guarded(given));
  }

  override pong(...given: Parameters<WebSocket["pong"]>): void {
    super.pong(...this.#guarded(given));
  }

  override addEventListener(...[type, handler, options]: Parameters<WebSocket["addEventListener"]>): void {
    super.addEventListener(type, guardedHandler(handler), options);
  }

  override removeEventListener(...[type, handler]: Parameters<WebSocket["removeEventListener"]>): void {
    super.removeEventListener(type, guardedHandler(handler));
  }

  /** Whether messages are stopped in both directions. */
  get isMuted(): boolean {
    return this.#isMuted;
  }

  get #isCompressing(): boolean {
    return this.extensions !== "" && this.bufferedAmount > this.#socket.writableLength;
  }

  get #socket(): Duplex {
    return (this as unknown as { _socket: Duplex })._socket;
  }

  get unwrittenBytes(): number {
    return unwrittenBytesOf(this.#socket);
  }

  /** Whether this side has ended the connection. */
  get wasEndedHere(): boolean {
    return this.#ended !== undefined;
  }

  /** Stops all messages, to listeners and to the client. */
  mute(): void {
    if (this.#isMuted) return;
    this.#isMuted = true;
    this.#follower?.onMute();
  }

  /** Sets the follower, which receives all events before listeners do. */
  follow(follower: Follower): void {
    this.#follower = follower;
  }

  get webSocket(): WebSocket {
    return this;
  }

  get isOpen(): boolean {
    return this.readyState === WebSocket.OPEN;
  }

  get framing(): Framing {
    return textFrames;
  }

  /**
   * Writes prepared frames past ws, which would make them again for each client. With an extension ws makes the frames,
   * because they depend on what the connection has negotiated.
   */
  write(batch: Batch): void {
    if (this.#isMuted || !this.isOpen) return;
    if (this.extensions === "") this.#socket.write(batch.bytes(textFrames));
    else for (const { text } of batch.messages) this.send(text);
  }

  /**
   * Closes for good. No later message reaches a listener, and a client that does not answer is cut off.
   *
   * @throws {TypeError | RangeError} for a code or reason that no close can have; then nothing has changed.
   */
  end(code: number, reason: string): void {
    if (!this.#isMuted) this.#follower?.onEnd();
    const isFirst = this.readyState === WebSocket.OPEN;
    // Messages that wait for compression would be written after the session's end, so the line is cut.
    if (code === closeCodes.session_ended && this.#isCompressing) this.terminate();
    else this.close(code, reason);
    if (isFirst) this.#ended = [code, Buffer.from(reason)];
    this.mute();
    setTimeout(() => this.terminate(), CLOSE_TIMEOUT_MS).unref();
  }

  override emit(event: string | symbol, ...given: unknown[]): boolean {
    if (this.#isMuted && event === "message") return false;
    const args = (event === "close" && this.#ended) || given;
    return this.#scope ? this.#scope(() => this.#emit(event, args)) : this.#emit(event, args);
  }

  #emit(event: string | symbol, args: readonly unknown[]): boolean {
    this.#depth++;
    try {
      // A listener returned a value whose `then` throws. EventEmitter emits that as an error inside the other event.
      if (event === "error" && this.#depth > 1) throw args[0];
      if (event === "close") this.#tellClosed(args[0] as number);
      if (this.#follower) this.#tell(this.#follower, event, args);
      // An error of the client ends its line, and is no error of this process.
      if (event === "error" && this.listenerCount(event) === 0) return false;
      return super.emit(event, ...args);
    } catch (error) {
      this.fail(error);
      return true;
    } finally {
      this.#depth--;
    }
  }

  #tellClosed(code: number): void {
    this.#keeper?.onClosed(code);
    for (const onClosed of this.#onClosed) onClosed();
  }

  #tell(follower: Follower, event: string | symbol, args: readonly unknown[]): void {
    if (event === "message") follower.onMessage(args[0] as Buffer, args[1] as boolean);
    else if (event === "close") follower.onClose(args[0] as number, String(args[1]));
    else if ((event === "ping" || event === "pong") && !this.#isMuted)
      follower.onControlFrame((args[0] as Buffer).byteLength, event === "pong");
  }

  #guarded<Given extends unknown[]>(given: Given): Given {
    return given.map((each) => guardedCallback(each, this)) as Given;
  }

  /** Handles an error of a listener or callback, thrown or rejected. */
  fail(error: unknown): void {
    if (this.#keeper) this.#keeper.onFailure(error);
    else throw error;
  }
}
