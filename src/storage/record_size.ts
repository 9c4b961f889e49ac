// Estimates how many bytes a stored value takes, near enough to tell people what a deletion frees. Equal values have
// equal sizes, so that what was added to a total can be taken off again.

/** Bytes of a value as structured clone would write it, without its framing: numbers 8, text 1 per UTF-16 unit. */
export function recordSize(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value === 'number') return 8;
  if (typeof value !== 'object' || value === null) return 1;
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength;
  if (value instanceof Blob) return value.size;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + recordSize(item), 0);
  return Object.entries(value).reduce((sum, [key, item]) => sum + key.length + recordSize(item), 0);
}

/**
 * The same bytes in a buffer of their own: structured clone writes the whole buffer under a view, however small the
 * view.
 */
export function ownBytes<T extends Uint8Array | Float32Array>(view: T): T {
  return view.byteLength === view.buffer.byteLength ? view : (view.slice() as T);
}
