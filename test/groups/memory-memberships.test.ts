import { MemoryMemberships } from "../../lib/groups/memory-memberships.ts";
import { describeMemberships } from "../../lib/testing/describe-memberships.ts";

describeMemberships("MemoryMemberships", { create: () => new MemoryMemberships() });
