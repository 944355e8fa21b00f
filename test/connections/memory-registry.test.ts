import { MemoryRegistry } from "../../lib/connections/memory-registry.ts";
import { describeRegistry } from "../../lib/testing/describe-registry.ts";

describeRegistry("MemoryRegistry", { create: () => new MemoryRegistry() });
