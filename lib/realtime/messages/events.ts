import { EventEmitter } from "node:events";
import { isSessionDeleted, sessionDeleted } from "../../errors.ts";
import type { Line } from "../../lines/line.ts";
import { MAX_NAME_LENGTH } from "../../names/name.ts";
import { ErrorEvents } from "../../observability/error-events.ts";
import type { Closed, Connection } from "../connection.ts";
import type { EventMap } from "./event-map.ts";
import { type EventData, type IncomingEvent, ProtocolError, unknownEvent } from "./protocol.ts";
import { describeIssues, type StandardSchema } from "./standard-schema.ts";

/** Handles an event of a client. The answer's data is the value that the handler returns or resolves to. */
export type EventHandler<Data, ServerEvents extends EventMap<ServerEvents> = EventMap> = (
  connection: Connection<ServerEvents>,
  data: Data,
) => unknown;

type AnyHandler = EventHandler<EventData>;
type Listener = (...args: never[]) => unknown;

/** A connection whose session may end while its event is handled. */
type Handling = Connection & { readonly line: Pick<Line, "isMuted"> };

interface Handled {
  readonly schema: StandardSchema<unknown> | undefined;
  readonly handler: AnyHandler;
}

/** The names of the events about connections and users. No client can send events with these names. */
const LIFECYCLE = ["connect", "disconnect", "online", "offline", "error"] as const;
export type LifecycleEvent = (typeof LIFECYCLE)[number];

/** The prefix of the events that realtime handles itself. */
const RESERVED = "session.";

/** The handlers and listeners of the app. */
export class Events {
  readonly errors: ErrorEvents<Connection | undefined> = new ErrorEvents<Connection | undefined>();
  readonly #emitter = new EventEmitter();
  readonly #handled = new Map<string, Handled>();

  on(name: string, ...rest: [Listener] | [StandardSchema<unknown>, Listener]): void {
    if (typeof name !== "string") throw new TypeError("realtime: on takes the name of an event first");
    const handler = rest.at(-1) as Listener;
    if (typeof handler !== "function") throw new TypeError(`realtime: on("${name}") takes a function`);
    const schema = rest.length > 1 ? (rest[0] as StandardSchema<unknown>) : undefined;
    if (schema !== undefined && typeof schema?.["~standard"]?.validate !== "function")
      throw new TypeError(`realtime: the schema of on("${name}") must be a Standard Schema`);
    if (name === "error") this.errors.on(handler as never);
    else if (isLifecycle(name)) this.#emitter.on(name, handler as never);
    else this.#handle(name, schema, handler as AnyHandler);
  }

  /** Handles events of realtime's own. */
  handleOwn(type: string, handler: (connection: Handling, data: EventData) => Promise<unknown>): void {
    this.#handled.set(type, { schema: undefined, handler: handler as AnyHandler });
  }

  off(name: string, handler: Listener): void {
    if (name === "error") this.errors.off(handler as never);
    else if (isLifecycle(name)) this.#emitter.off(name, handler as never);
    else if (this.#handled.get(name)?.handler === handler) this.#handled.delete(name);
  }

  /** Tells listeners one after the other. If one fails, the others are still told. The failure is an error event. */
  async tell(
    name: Exclude<LifecycleEvent, "error">,
    ...args: [string] | [Connection, Closed?]
  ): Promise<void> {
    const [subject] = args;
    for (const listener of this.#emitter.listeners(name)) {
      try {
        await (listener as (...given: unknown[]) => unknown)(...args);
      } catch (error) {
        this.errors.report(error, typeof subject === "string" ? undefined : subject);
      }
    }
  }

  /** Whether events of a type have a handler. */
  readonly handles = (type: string): boolean => this.#handled.has(type);

  /**
   * Has an event handled, and resolves to its answer.
   *
   * @throws {ProtocolError} with the error for the sender. Any other error of a handler is an error event as well.
   */
  async handle(connection: Handling, { type, data, id }: IncomingEvent): Promise<unknown> {
    const handled = this.#handled.get(type);
    if (!handled) throw unknownEvent(id);
    try {
      const checked = handled.schema ? await check(handled.schema, data, id) : data;
      // The session may have ended while the schema ran. From then on no event of the session is handled.
      if (connection.line.isMuted) throw sessionDeleted();
      return await handled.handler(connection, checked as EventData);
    } catch (error) {
      if (error instanceof ProtocolError)
        throw id === error.id ? error : new ProtocolError(error.code, error.message, id);
      const { expose, code, message } = Object(error) as {
        expose?: unknown;
        code?: unknown;
        message?: unknown;
      };
      // As in http-errors, an error with `expose: true` is meant for the client.
      if (expose === true)
        throw new ProtocolError(code ? String(code) : "handler_failed", String(message), id);
      // The end of the session closes the connection. It is no failure.
      if (!isSessionDeleted(error)) this.errors.report(error, connection);
      throw new ProtocolError("handler_failed", "The event could not be handled", id);
    }
  }

  #handle(type: string, schema: StandardSchema<unknown> | undefined, handler: AnyHandler): void {
    if (type.length > MAX_NAME_LENGTH)
      throw new TypeError(
        `realtime: the name of an event may have ${MAX_NAME_LENGTH} characters; clients send it each time`,
      );
    if (type === "" || type.startsWith(RESERVED))
      throw new TypeError(`realtime: events may not be named "${type}": "${RESERVED}…" is realtime's own`);
    if (this.#handled.has(type))
      throw new TypeError(`realtime: "${type}" already has a handler, and its result is the answer`);
    this.#handled.set(type, { schema, handler });
  }
}

async function check(
  schema: StandardSchema<unknown>,
  data: EventData,
  id: IncomingEvent["id"],
): Promise<unknown> {
  const result = await schema["~standard"].validate(data);
  if (result.issues) throw new ProtocolError("invalid_data", describeIssues(result.issues), id);
  return result.value;
}

function isLifecycle(name: string): name is LifecycleEvent {
  return (LIFECYCLE as readonly string[]).includes(name);
}
