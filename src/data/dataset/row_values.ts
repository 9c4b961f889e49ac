// Looks into values of rows, which come from anywhere: own properties only. Says by an exception why a row is refused, which
// whoever reads the row turns into its reason.

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** Whether a value is an object and no list. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own property; null counts as absent. */
export function ownValue(object: Json, key: string): unknown {
  return Object.hasOwn(object, key) ? (object[key] ?? undefined) : undefined;
}

/** Why the row at hand is refused; never leaves the reading of the row. */
export class Refusal extends Error {}

/** Refuses the row at hand. @throws Refusal */
export function refuse(reason: string): never {
  throw new Refusal(reason);
}
