export * from "../../lib/testing/tools/within.ts";
