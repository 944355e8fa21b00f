/** The numbers from 0 to `length - 1`. */
export function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
