// Hashes anything that IndexedDB keeps, the same in the Worker that writes it and in the page that reads it back.
// Every byte, key and type of a value is in its hash; it finds damage, and no malice.

import type { MarkedKey, RecordFacts } from '../../harness/kill_messages';

/** Two FNV-1a hashes of 32 bits side by side (Fowler, Noll, Vo), with different beginnings. */
class Hasher {
  #a = 0x811c9dc5;
  #b = 0x01234567;

  bytes(bytes: Uint8Array): void {
    let a = this.#a;
    let b = this.#b;
    for (const byte of bytes) {
      a = Math.imul(a ^ byte, 0x01000193);
      b = Math.imul(b ^ (byte + 1), 0x01000193);
    }
    this.#a = a;
    this.#b = b;
  }

  text(text: string): void {
    this.bytes(new TextEncoder().encode(`${text.length}:${text}`));
  }

  get digest(): string {
    return [this.#a, this.#b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }
}

function add(hasher: Hasher, value: unknown): void {
  if (value instanceof ArrayBuffer) {
    hasher.text(`buffer ${value.byteLength}`);
    hasher.bytes(new Uint8Array(value));
  } else if (ArrayBuffer.isView(value)) {
    hasher.text(`${value.constructor.name} ${value.byteLength}`);
    hasher.bytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  } else if (value instanceof Blob) {
    // Its bytes cannot be had at once; whether they can be read at all is checked where records are found.
    hasher.text(`blob ${value.size} ${value.type}`);
  } else if (Array.isArray(value)) {
    hasher.text(`list ${value.length}`);
    for (const item of value) add(hasher, item);
  } else if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    hasher.text(`object ${entries.length}`);
    for (const [key, item] of entries) {
      hasher.text(key);
      add(hasher, item);
    }
  } else hasher.text(`${typeof value} ${Object.is(value, -0) ? '-0' : String(value)}`);
}

/** Hash of a value that structured clone can carry. */
export function hashOf(value: unknown): string {
  const hasher = new Hasher();
  add(hasher, value);
  return hasher.digest;
}

const FACTS = ['rows', 'complete', 'step', 'checkpointStep', 'state', 'bytes', 'name', 'createdAt'] as const;

/** The fields of a record that checks read, and the hash of an adapter's weights by themselves. */
export function factsOf(value: Record<string, unknown>): RecordFacts {
  const facts: Record<string, string | number | boolean | null> = {};
  for (const key of FACTS) {
    const fact = value[key];
    if (fact === null || ['string', 'number', 'boolean'].includes(typeof fact)) {
      facts[key] = fact as string | number | boolean | null;
    }
  }
  if (value.weights instanceof Uint8Array) facts.weights = hashOf(value.weights);
  return facts;
}

/** A key as JSON carries it. */
export function markedKey(key: IDBValidKey): MarkedKey {
  if (Array.isArray(key)) return key.map(markedKey);
  if (key === Number.POSITIVE_INFINITY) return '∞';
  return key as string | number;
}
