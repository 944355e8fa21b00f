// Where nothing is global. Copied into a project that has the package.
import { memoryBackend } from "express-session-stack";
import { describeMemberships } from "express-session-stack/testing";

describeMemberships("memberships", { create: () => memoryBackend().memberships });
