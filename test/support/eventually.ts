export * from "../../lib/testing/eventually.ts";
