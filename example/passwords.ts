import { randomBytes } from "node:crypto";
import { compare, hash, truncates } from "bcryptjs";
import { z } from "zod";

const COST = 10;

/** Nobody knows what this is the hash of. */
const NOBODY = await hash(randomBytes(32).toString("base64"), COST);

/** bcrypt reads 72 bytes, and takes "a\0a" for "a". */
export const Password = z
  .string()
  .refine((text) => text !== "" && !truncates(text), "A password has 1 to 72 bytes.")
  .refine((text) => !text.includes("\0"), "A password has no NUL.");

export const hashPassword = (password: string): Promise<string> => hash(password, COST);

/** Says whether a password is that of the kept hash. Without a hash there is no user: that takes as long, and is never so. */
export async function isPassword(password: string, kept: string): Promise<boolean> {
  const isEqual = await compare(password, kept || NOBODY);
  return isEqual && kept !== "";
}
