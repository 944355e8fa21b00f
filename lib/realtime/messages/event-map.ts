import type { EventData } from "./protocol.ts";

/**
 * The types of events, each with the type of its data. As a constraint it takes the map itself:
 * `Events extends EventMap<Events>`. So interfaces, which have no index signature, fit as well as type aliases.
 */
export type EventMap<Events = Record<string, EventData>> = { [Type in keyof Events]: EventData };

/** The types of the events in a map. */
export type EventName<Events extends EventMap<Events>> = keyof Events & string;

/** The data of an event as an argument. The argument is optional if an empty object fits the type of the data. */
export type EventDataArgument<Events, Type extends keyof Events> =
  Record<never, never> extends Events[Type] ? [data?: Events[Type]] : [data: Events[Type]];
