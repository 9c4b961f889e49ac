// Copies values of unknown origin as plain JSON: texts, finite numbers, booleans, null, lists and objects of these. A copy
// holds own properties only and has no key `__proto__`, so that no later assignment can change a prototype.

/** Plain data as JSON holds it. */
export type PlainJson =
  | string
  | number
  | boolean
  | null
  | readonly PlainJson[]
  | { readonly [key: string]: PlainJson };

/** Plain data by names: what a row of a data set has besides its picture, question, answer and response. */
export type PlainColumns = Readonly<Record<string, PlainJson>>;

/** Lists and objects lie at most this deep in each other. */
export const MAX_JSON_DEPTH = 8;

/** The key that is a property of every object, and by which its prototype is set. */
export const PROTOTYPE_KEY = '__proto__';

function plainList(list: readonly unknown[], depth: number): PlainJson | undefined {
  const items: PlainJson[] = [];
  // By index, so that holes become visible.
  for (let i = 0; i < list.length; i++) {
    const item = plainJson(list[i], depth + 1);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return items;
}

function isPlainObject(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * A copy of a value as plain JSON; undefined where the value or anything in it is something else (bytes, dates, functions),
 * has a key `__proto__`, or lies deeper than {@link MAX_JSON_DEPTH}. A number that is not finite becomes its text.
 */
export function plainJson(value: unknown, depth = 0): PlainJson | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || depth >= MAX_JSON_DEPTH) return undefined;
  if (Array.isArray(value)) return plainList(value, depth);
  if (!isPlainObject(value)) return undefined;
  const copy: Record<string, PlainJson> = {};
  for (const [key, inner] of Object.entries(value)) {
    const plain = key === PROTOTYPE_KEY ? undefined : plainJson(inner, depth + 1);
    if (plain === undefined) return undefined;
    copy[key] = plain;
  }
  return copy;
}
