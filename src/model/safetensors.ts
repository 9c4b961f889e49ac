// Reads and writes the safetensors container: an 8-byte header length, a JSON header, and one gapless data section.
// After openSafetensors every tensor's byte range lies in the file, fits its dtype and shape, and no two ranges
// overlap or leave a gap; anything else is an error that names file and tensor.
import { ModelError } from '../lib/errors';
import { bf16ToF32, f16ToF32 } from '../lib/float_bits';
import { formatShape } from '../lib/format';
import { JsonSyntaxError, parseStrictJson, type StrictJson } from '../lib/strict_json';

/** Element types of the format that the engine reads, with their size in bytes. */
export const DTYPE_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

/** Name of an element type as the format spells it. */
export type Dtype = keyof typeof DTYPE_BYTES;

/** One tensor of a file; `begin` and `end` are byte offsets from the start of the file. */
export interface TensorEntry {
  readonly dtype: Dtype;
  /** Row-major; [] is a scalar. */
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** Random access to the bytes of a file: in memory, a Blob, an HTTP range, a file handle. */
export interface ByteSource {
  /** For messages. */
  readonly name: string;
  /** Total bytes. */
  readonly size: number;
  /** Bytes [begin, end): a view or a copy, exactly end - begin long. */
  read(begin: number, end: number): Promise<Uint8Array>;
}

/** Bytes [begin, end) of a tensor, counted from its start. */
export type ByteRange = readonly [begin: number, end: number];

/** An open file: its tensors by name in file order, and their bytes on demand. */
export interface SafetensorsFile {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Bytes of a tensor, or of a range within it, copied to an aligned buffer of their own. Rejects for an unknown name. */
  read(name: string, range?: ByteRange): Promise<Uint8Array<ArrayBuffer>>;
}

/** The reference implementation's limit; a larger header length is a corrupt or hostile file. */
const MAX_HEADER_BYTES = 100_000_000;
const MAX_RANK = 32;

function fail(file: string, reason: string, tensor?: string): never {
  const where = tensor === undefined ? '' : ` tensor ${JSON.stringify(tensor.slice(0, 200))}:`;
  throw new ModelError(
    'model/safetensors',
    `${file}:${where} ${reason}`,
    tensor === undefined ? { file } : { file, tensor },
  );
}

/** A ByteSource over bytes in memory. */
export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return { name, size: bytes.length, read: async (begin, end) => bytes.subarray(begin, end) };
}

/** A ByteSource over a Blob or File; reads only what is asked for. */
export function blobSource(name: string, blob: Blob): ByteSource {
  return {
    name,
    size: blob.size,
    read: async (begin, end) => new Uint8Array(await blob.slice(begin, end).arrayBuffer()),
  };
}

async function readExactly(source: ByteSource, begin: number, end: number): Promise<Uint8Array> {
  const bytes = await source.read(begin, end);
  if (bytes.length !== end - begin) {
    fail(source.name, `got ${bytes.length} of ${end - begin} bytes at ${begin}: the file is cut short`);
  }
  return bytes;
}

function isSize(value: StrictJson | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
}

function parseEntry(
  file: string,
  name: string,
  json: StrictJson,
  dataStart: number,
  dataSize: number,
): TensorEntry {
  if (!(json instanceof Map)) fail(file, 'its header entry is not an object', name);
  for (const key of json.keys()) {
    if (key !== 'dtype' && key !== 'shape' && key !== 'data_offsets')
      fail(file, `unknown header key "${key}"`, name);
  }
  const dtype = json.get('dtype');
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    fail(
      file,
      `dtype ${JSON.stringify(dtype)} is not supported (${Object.keys(DTYPE_BYTES).join(', ')})`,
      name,
    );
  }
  const shape = json.get('shape');
  if (!Array.isArray(shape) || shape.length > MAX_RANK || !shape.every(isSize)) {
    fail(file, 'shape must be a list of non-negative integers', name);
  }
  let bytes: number = DTYPE_BYTES[dtype as Dtype];
  // A zero anywhere makes the product zero, but only after every partial product was checked.
  for (const size of shape as number[]) {
    if (size > 0) bytes *= size;
    if (!Number.isSafeInteger(bytes)) fail(file, `shape ${formatShape(shape as number[])} overflows`, name);
  }
  if ((shape as number[]).includes(0)) bytes = 0;
  const offsets = json.get('data_offsets');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !isSize(offsets[0]) || !isSize(offsets[1])) {
    fail(file, 'data_offsets must be two non-negative integers', name);
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > dataSize) {
    fail(file, `data_offsets [${begin}, ${end}] lie outside the ${dataSize} data bytes`, name);
  }
  if (end - begin !== bytes) {
    fail(
      file,
      `${dtype} ${formatShape(shape as number[])} needs ${bytes} bytes, data_offsets span ${end - begin}`,
      name,
    );
  }
  return { dtype: dtype as Dtype, shape: shape as number[], begin: dataStart + begin, end: dataStart + end };
}

function parseMetadata(file: string, json: StrictJson): Map<string, string> {
  if (!(json instanceof Map)) fail(file, '__metadata__ is not an object');
  const metadata = new Map<string, string>();
  for (const [key, value] of json) {
    if (typeof value !== 'string') fail(file, `__metadata__ key "${key.slice(0, 200)}" is not a string`);
    metadata.set(key, value);
  }
  return metadata;
}

function checkContiguous(
  file: string,
  tensors: ReadonlyMap<string, TensorEntry>,
  start: number,
  size: number,
): void {
  const sorted = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let end = start;
  for (const [name, entry] of sorted) {
    if (entry.begin < end) fail(file, 'its bytes overlap those of another tensor', name);
    if (entry.begin > end) fail(file, `${entry.begin - end} bytes before it belong to no tensor`, name);
    end = entry.end;
  }
  if (end !== size) fail(file, `${size - end} bytes at the end belong to no tensor`);
}

async function readHeader(source: ByteSource): Promise<{ text: string; dataStart: number }> {
  if (source.size < 8) fail(source.name, `has ${source.size} bytes, too few for a safetensors file`);
  const prefix = await readExactly(source, 0, 8);
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(Math.min(MAX_HEADER_BYTES, source.size - 8))) {
    fail(source.name, `header length ${length} exceeds the file: not a safetensors file, or cut short`);
  }
  const dataStart = 8 + Number(length);
  const bytes = await readExactly(source, 8, dataStart);
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), dataStart };
  } catch {
    return fail(source.name, 'the header is not UTF-8: not a safetensors file');
  }
}

/**
 * Reads and checks the header of a safetensors file; tensor bytes are fetched later by `read`.
 * Rejects with ModelError `model/safetensors` for anything that the format does not allow.
 */
export async function openSafetensors(source: ByteSource): Promise<SafetensorsFile> {
  const { text, dataStart } = await readHeader(source);
  let header: StrictJson;
  try {
    // Tensor entries nest three deep; anything deeper is refused before it can cost stack.
    header = parseStrictJson(text, 4);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return fail(source.name, `the header is not valid: ${error.message}`);
  }
  if (!(header instanceof Map) || text[0] !== '{')
    return fail(source.name, 'the header is not a JSON object');
  const tensors = new Map<string, TensorEntry>();
  let metadata = new Map<string, string>();
  for (const [name, json] of header) {
    if (name === '__metadata__') metadata = parseMetadata(source.name, json);
    else if (name === '') fail(source.name, 'a tensor has an empty name');
    else tensors.set(name, parseEntry(source.name, name, json, dataStart, source.size - dataStart));
  }
  checkContiguous(source.name, tensors, dataStart, source.size);
  const read = async (name: string, range?: ByteRange): Promise<Uint8Array<ArrayBuffer>> => {
    const entry = tensors.get(name);
    if (entry === undefined) return fail(source.name, 'is not in the file', name);
    const [begin, end] = range ?? [0, entry.end - entry.begin];
    if (begin < 0 || end < begin || end > entry.end - entry.begin)
      return fail(source.name, `bytes ${begin} to ${end} lie outside the tensor`, name);
    return new Uint8Array(await readExactly(source, entry.begin + begin, entry.begin + end));
  };
  return { name: source.name, tensors, metadata, read };
}

/** Opens a file that is already in memory. */
export async function parseSafetensors(name: string, bytes: Uint8Array): Promise<SafetensorsFile> {
  return openSafetensors(memorySource(name, bytes));
}

/** f32 values of BF16, F16 or F32 bytes (exact). Throws ModelError `model/dtype` for other dtypes. */
export function toFloat32(dtype: Dtype, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  const { buffer, byteOffset, length } = bytes;
  if (dtype === 'F32') return new Float32Array(buffer, byteOffset, length / 4);
  if (dtype === 'BF16') return bf16ToF32(new Uint16Array(buffer, byteOffset, length / 2));
  if (dtype === 'F16') return f16ToF32(new Uint16Array(buffer, byteOffset, length / 2));
  throw new ModelError('model/dtype', `${dtype} is not a floating point weight type (BF16, F16, F32)`, {
    dtype,
  });
}

/** A tensor to write: little-endian bytes of `shape` in `dtype`. */
export interface TensorData {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/**
 * Bytes of a safetensors file. Tensors are ordered by element size, largest first, then by name, as the reference
 * writer does, so that every tensor is aligned to its element; the header is padded with spaces to 8 bytes.
 * Throws ModelError `model/safetensors` for duplicate names or bytes that do not fit the shape.
 */
export function writeSafetensors(
  tensors: readonly TensorData[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const byName = (a: TensorData, b: TensorData): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  const sorted = [...tensors].sort((a, b) => DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype] || byName(a, b));
  const parts: string[] = [];
  if (Object.keys(metadata).length > 0) parts.push(`"__metadata__":${JSON.stringify(metadata)}`);
  const seen = new Set<string>(['', '__metadata__']);
  let offset = 0;
  for (const { name, dtype, shape, bytes } of sorted) {
    if (seen.has(name)) fail('output', 'the name is reserved or used twice', name);
    seen.add(name);
    const expected = shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);
    if (bytes.length !== expected)
      fail('output', `${bytes.length} bytes do not fit ${dtype} ${formatShape(shape)}`, name);
    const entry = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    parts.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    offset += bytes.length;
  }
  const header = new TextEncoder().encode(`{${parts.join(',')}}`);
  const padded = Math.ceil(header.length / 8) * 8;
  const out = new Uint8Array(8 + padded + offset);
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true);
  out.set(header, 8);
  out.fill(0x20, 8 + header.length, 8 + padded);
  let at = 8 + padded;
  for (const { bytes } of sorted) {
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}
