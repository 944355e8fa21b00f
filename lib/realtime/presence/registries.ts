import { bounded } from "../../calls/bounded.ts";
import type { Bounds } from "../../calls/bounds.ts";
import type { Registry } from "../../connections/registry.ts";

/** The registry of connections, by who waits for its answer. */
export class Registries {
  /** Answers a request in time. */
  readonly asked: Registry;
  /** Answers a tick in time. A tick waits behind nothing that a request asks for. */
  readonly upkeep: Registry;
  /** Answers whenever it can: for what must not get lost when nobody waits for it any more. */
  readonly lasting: Registry;
  readonly bounds: Bounds;
  readonly upkeepBounds: Bounds;

  constructor(registry: Registry, bounds: Bounds) {
    this.bounds = bounds.for("realtime");
    this.upkeepBounds = bounds.for("maintenance");
    this.asked = bounded(registry, this.bounds);
    this.upkeep = bounded(registry, this.upkeepBounds);
    this.lasting = registry;
  }
}
