import type { EventData } from "./protocol.ts";

/**
 * Events by their type, with what their data is. As a constraint it is given the map itself,
 * `Events extends EventMap<Events>`: so interfaces, which have no index signature, fit as well as type aliases.
 */
export type EventMap<Events = Record<string, EventData>> = { [Type in keyof Events]: EventData };

/** The types of the events in a map. */
export type EventName<Events extends EventMap<Events>> = keyof Events & string;

/** The data of an event as an argument, which may be left out where an event without any fits its type. */
export type EventDataArgument<Events, Type extends keyof Events> =
  Record<never, never> extends Events[Type] ? [data?: Events[Type]] : [data: Events[Type]];
