// Writes what IndexedDB keeps (plain data, with typed arrays and Blobs in it) as JSON, and reads it again. Small bytes go
// into the JSON as base64, large ones into files beside it. Equal values have equal texts: keys are sorted. What is read
// is untrusted: its depth is bounded, and every file that it names is asked for by the caller's rules.

import { base64Of, bytesOfBase64 } from '../lib/base64';
import { DataError, InvariantError } from '../lib/errors';

/** Keeps bytes in a file of their own; returns its path. */
export type AddFile = (bytes: Uint8Array<ArrayBuffer>, extension: string) => string;
/** Bytes of a file that {@link AddFile} named. */
export type ReadFile = (path: string) => Promise<Uint8Array<ArrayBuffer>>;

/** Bytes up to this many stand in the JSON. */
const INLINE_BYTES = 2 ** 16;
const MAX_DEPTH = 64;
/** Key that marks what JSON cannot say; an object that has it for itself is wrapped. */
const MARK = '$';

const ARRAYS = {
  Uint8Array,
  Uint16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
} as const;
type ArrayName = keyof typeof ARRAYS;

/** The bytes under a view. */
export function viewBytes(view: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function placed(bytes: Uint8Array<ArrayBuffer>, extension: string, addFile: AddFile): object {
  if (bytes.length <= INLINE_BYTES) return { base64: base64Of(bytes) };
  return { file: addFile(bytes, extension) };
}

/** The ending of a file of a type: letters and digits only, `bin` where the type says nothing. */
export function extensionOf(type: string): string {
  const [, ending = ''] = /^image\/([a-z0-9]+)$/.exec(type) ?? [];
  return ending === 'jpeg' ? 'jpg' : ending || 'bin';
}

async function packBinary(value: object, addFile: AddFile): Promise<object | null> {
  if (value instanceof Blob) {
    const bytes = new Uint8Array(await value.arrayBuffer());
    return { [MARK]: 'Blob', type: value.type, ...placed(bytes, extensionOf(value.type), addFile) };
  }
  if (value instanceof ArrayBuffer)
    return { [MARK]: 'ArrayBuffer', ...placed(new Uint8Array(value), 'bin', addFile) };
  if (!ArrayBuffer.isView(value)) return null;
  const name = value.constructor.name;
  if (!Object.hasOwn(ARRAYS, name)) throw new InvariantError(`No backup keeps a ${name}.`);
  return { [MARK]: name, ...placed(viewBytes(value as Uint8Array<ArrayBuffer>), 'bin', addFile) };
}

/** JSON of a value, whose large bytes go to `addFile`. @throws InvariantError for what no record holds */
export async function packValue(value: unknown, addFile: AddFile): Promise<unknown> {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    if (Number.isFinite(value) && !Object.is(value, -0)) return value;
    return { [MARK]: 'number', is: Object.is(value, -0) ? '-0' : String(value) };
  }
  if (value === undefined) return null;
  if (typeof value !== 'object') throw new InvariantError(`No backup keeps a ${typeof value}.`);
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value) items.push(await packValue(item, addFile));
    return items;
  }
  const binary = await packBinary(value, addFile);
  if (binary !== null) return binary;
  const packed: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    if (item !== undefined) packed[key] = await packValue(item, addFile);
  return Object.hasOwn(packed, MARK) ? { [MARK]: 'object', of: packed } : packed;
}

function wrong(reason: string): DataError {
  return new DataError('data/row', reason);
}

async function bytesOf(packed: Readonly<Record<string, unknown>>, readFile: ReadFile) {
  const { base64, file } = packed;
  if (typeof file === 'string') return readFile(file);
  if (typeof base64 !== 'string') throw wrong('bytes are missing');
  const bytes = bytesOfBase64(base64);
  if (bytes === null) throw wrong('bytes are no base64');
  return bytes;
}

/** Bytes as a typed array. @throws DataError where they end within a value */
export function arrayOf(name: ArrayName, bytes: Uint8Array<ArrayBuffer>): ArrayBufferView<ArrayBuffer> {
  const make = ARRAYS[name];
  if (bytes.length % make.BYTES_PER_ELEMENT !== 0) throw wrong(`${bytes.length} bytes make no ${name}`);
  const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
  return new make(own.buffer);
}

async function unpackMarked(
  packed: Readonly<Record<string, unknown>>,
  readFile: ReadFile,
  depth: number,
): Promise<unknown> {
  const kind = packed[MARK];
  if (kind === 'number') {
    if (packed.is === '-0') return -0;
    if (packed.is === 'NaN') return Number.NaN;
    if (packed.is === 'Infinity') return Number.POSITIVE_INFINITY;
    if (packed.is === '-Infinity') return Number.NEGATIVE_INFINITY;
    throw wrong('a number is none');
  }
  if (kind === 'object' && typeof packed.of === 'object' && packed.of !== null && !Array.isArray(packed.of))
    return unpackObject(packed.of as Record<string, unknown>, readFile, depth);
  if (kind === 'Blob') {
    const type = typeof packed.type === 'string' ? packed.type : '';
    return new Blob([await bytesOf(packed, readFile)], { type });
  }
  if (kind === 'ArrayBuffer') {
    const bytes = await bytesOf(packed, readFile);
    return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
  }
  if (typeof kind === 'string' && Object.hasOwn(ARRAYS, kind))
    return arrayOf(kind as ArrayName, await bytesOf(packed, readFile));
  throw wrong(`"${String(kind).slice(0, 40)}" is no kind of value`);
}

async function unpackObject(
  packed: Readonly<Record<string, unknown>>,
  readFile: ReadFile,
  depth: number,
): Promise<Record<string, unknown>> {
  const value: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(packed)) {
    if (key === '__proto__') throw wrong('an object has the key __proto__');
    value[key] = await unpackValue(item, readFile, depth + 1);
  }
  return value;
}

/**
 * The value that {@link packValue} wrote.
 * @throws DataError `data/row` saying what no value can be made of, or what `readFile` throws
 */
export async function unpackValue(packed: unknown, readFile: ReadFile, depth = 0): Promise<unknown> {
  if (depth > MAX_DEPTH) throw wrong(`values lie more than ${MAX_DEPTH} deep`);
  if (typeof packed !== 'object' || packed === null) return packed;
  if (Array.isArray(packed)) {
    const items: unknown[] = [];
    for (const item of packed) items.push(await unpackValue(item, readFile, depth + 1));
    return items;
  }
  const object = packed as Record<string, unknown>;
  if (Object.hasOwn(object, MARK)) return unpackMarked(object, readFile, depth + 1);
  return unpackObject(object, readFile, depth);
}
