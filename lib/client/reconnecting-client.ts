import { closeCodes } from "../close-codes.ts";
import { type EventData, HEARTBEAT, HEARTBEAT_ANSWER } from "../realtime/messages/protocol.ts";
import { reconnectDelayMs } from "./back-off.ts";
import type {
  ClientState,
  RealtimeClient,
  RequestOptions,
  StateInfo,
  StateListener,
} from "./client-contract.ts";
import type { RealtimeClientError } from "./client-error.ts";
import type { ClientConfig } from "./client-options.ts";
import { Listeners } from "./listeners.ts";
import { type Answer, answerError, Outbox } from "./outbox.ts";
import { followPage, isOffline } from "./page.ts";
import { Recovery } from "./recovery/recovery.ts";
import { ABNORMAL, type Closed, type LineHost, SocketLine } from "./socket-line.ts";

/** The close code that means "try again later" (IANA registry of close codes). */
const TRY_AGAIN_LATER = 1013;

/** Milliseconds that a connection has to be open before the next attempt counts as a first one again. */
const STABLE_MS = 5000;

/** An event of the server, or an answer. Its members may be anything. */
interface ServerMessage extends Answer {
  readonly event_type?: unknown;
  readonly channel: string;
  readonly offset: number;
}

type DataListener = (data: EventData) => unknown;

/** Keeps one line to the server. When the line is lost, it makes the next one. */
export class ReconnectingClient implements RealtimeClient {
  readonly #config: ClientConfig;
  readonly #outbox: Outbox;
  readonly #events = new Map<string, Listeners<[EventData]>>();
  readonly #states = new Listeners<[ClientState, StateInfo]>();
  readonly #errors = new Listeners<[RealtimeClientError]>();
  readonly #losses = new Listeners<[string]>();
  readonly #recovery: Recovery;
  #unfollow: () => void;
  readonly #host: LineHost;
  #state: ClientState = "connecting";
  /** The current line. While the client waits, it has none. */
  #line: SocketLine | undefined;
  #closed: Closed = { code: ABNORMAL, reason: "" };
  #attempt = 0;
  /** The time until which the server has asked the client to wait. */
  #patientUntil = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Runs for as long as another `reconnect()` would find the same cookies. */
  #justNow: ReturnType<typeof setTimeout> | 0 = 0;

  constructor(config: ClientConfig) {
    this.#config = config;
    this.#outbox = new Outbox(config, (error) => this.#fail(error));
    this.#recovery = new Recovery(config, this.#outbox, this.#events, this.#losses, (info) =>
      this.#enter("open", info),
    );
    this.#host = {
      opened: () => {
        this.#outbox.opened(this.#line as SocketLine);
        this.#recovery.opened();
      },
      received: this.#receive,
      lost: this.#lost,
    };
    this.#line = new SocketLine(config, this.#host);
    this.#unfollow = this.#follow();
  }

  get state(): ClientState {
    return this.#state;
  }

  on(type: string, listener: DataListener): this {
    this.#events.set(type, (this.#events.get(type) ?? new Listeners()).add(listener));
    return this;
  }

  off(type: string, listener: DataListener): this {
    this.#events.get(type)?.delete(listener);
    return this;
  }

  onState(listener: StateListener): this {
    this.#states.add(listener);
    return this;
  }

  offState(listener: StateListener): this {
    this.#states.delete(listener);
    return this;
  }

  onError(listener: (error: RealtimeClientError) => unknown): this {
    this.#errors.add(listener);
    return this;
  }

  offError(listener: (error: RealtimeClientError) => unknown): this {
    this.#errors.delete(listener);
    return this;
  }

  onLost(listener: (channel: string) => unknown): this {
    this.#losses.add(listener);
    return this;
  }

  offLost(listener: (channel: string) => unknown): this {
    this.#losses.delete(listener);
    return this;
  }

  send(type: string, data: EventData = {}): void {
    this.#outbox.send(type, data);
  }

  /** The app's types say what the promise resolves to. */
  request(type: string, data: EventData = {}, { retry }: RequestOptions = {}): Promise<never> {
    return this.#outbox.request(type, data, retry) as Promise<never>;
  }

  reconnect(): void {
    if (this.#justNow) return;
    this.#justNow = setTimeout(() => {
      this.#justNow = 0;
    });
    if (this.#state === "ended") this.#unfollow = this.#follow();
    this.#line?.close();
    this.#recovery.lost();
    this.#outbox.lost();
    this.#attempt = this.#patientUntil = 0;
    this.#connect();
  }

  close(): void {
    this.#recovery.clear();
    if (this.#state === "ended") return;
    this.#line?.close();
    this.#end({ code: 1000, reason: "" });
  }

  #follow(): () => void {
    return followPage(
      // The user looks at the page again, or the network is back. An open line is tested. A waiting client connects at
      // once, unless the server has asked it to wait.
      () => {
        this.#line?.beat();
        if (this.#state === "waiting" && performance.now() >= this.#patientUntil) {
          this.#attempt = 0;
          this.#connect();
        }
      },
      // The network is gone. Attempts become rare then, but they do not stop: a server on this machine can be reached
      // without a network.
      () => {
        this.#line?.beat();
        if (this.#state === "waiting") this.#wait(this.#config.maxReconnectDelayMs);
      },
    );
  }

  readonly #receive = (text: unknown): void => {
    let message: ServerMessage;
    try {
      message = Object(JSON.parse(text as string));
    } catch {
      // This message is not from realtime: an app may send other messages of its own.
      return;
    }
    const { event_type: type, data = {}, channel, offset, id, status } = message;
    if (type === HEARTBEAT) this.#line?.say(HEARTBEAT_ANSWER);
    else if (typeof type === "string") this.#recovery.receive(type, data as EventData, channel, offset);
    else if (id !== undefined) this.#outbox.settle(message);
    else if (status === "error") this.#fail(answerError(message));
  };

  #fail(error: RealtimeClientError): void {
    if (this.#errors.size) this.#errors.tell(error);
    else console.warn(error);
  }

  readonly #lost = (closed: Closed, openMs: number): void => {
    const { code } = closed;
    this.#line = undefined;
    this.#recovery.lost();
    // A key means nothing to another session or user.
    this.#outbox.lost(code !== closeCodes.session_replaced);
    if (code >= 4500 && code < 5000) {
      this.#end(closed);
      return;
    }
    // If the server accepts the client and closes it at once, again and again, the client waits longer each time.
    if (openMs >= STABLE_MS) this.#attempt = 0;
    this.#attempt++;
    const isPatient = code === closeCodes.rate_limited || code === TRY_AGAIN_LATER;
    const delayMs = reconnectDelayMs({ attempt: this.#attempt, isPatient }, this.#config);
    this.#patientUntil = isPatient ? performance.now() + delayMs : 0;
    this.#closed = closed;
    this.#wait(isOffline() ? this.#config.maxReconnectDelayMs : delayMs);
  };

  #wait(retryInMs: number): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), retryInMs);
    this.#enter("waiting", { ...this.#closed, retryInMs });
  }

  #connect(): void {
    clearTimeout(this.#retry);
    try {
      this.#line = new SocketLine(this.#config, this.#host);
      this.#enter("connecting");
    } catch (error) {
      // A page's policy may forbid the connection.
      this.#lost({ code: ABNORMAL, reason: String(error) }, 0);
    }
  }

  #end(closed: Closed): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#justNow);
    this.#justNow = 0;
    this.#line = undefined;
    this.#unfollow();
    this.#outbox.end();
    this.#enter("ended", closed);
  }

  #enter(state: ClientState, info: StateInfo = {}): void {
    this.#state = state;
    this.#states.tell(state, info);
  }
}
