import { RESP_TYPES } from "redis";

/** Every type that node-redis can map, mapped to another one than by default. */
export const oddTypes = {
  [RESP_TYPES.BLOB_STRING]: Buffer,
  [RESP_TYPES.SIMPLE_STRING]: Buffer,
  [RESP_TYPES.VERBATIM_STRING]: Buffer,
  [RESP_TYPES.NUMBER]: String,
  [RESP_TYPES.DOUBLE]: String,
  [RESP_TYPES.BIG_NUMBER]: String,
  [RESP_TYPES.MAP]: Map,
  [RESP_TYPES.SET]: Set,
} as const;
