// Writes ONNX models of one operator, for benches that ask ONNX Runtime for the same product as ours. Only the fields that such
// a model needs are written.
// Source: onnx/onnx.proto3 of the ONNX project, https://github.com/onnx/onnx (field numbers), and the operators' documents.

/** A constant of the graph. */
export interface OnnxConstant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint8Array;
}

/** A model of one operator with one input and one output, both f32 matrices. */
export interface OnnxProduct {
  readonly op: string;
  /** Empty for ONNX's own operators. */
  readonly domain: string;
  readonly attributes: Readonly<Record<string, number>>;
  readonly input: readonly [rows: number, columns: number];
  readonly output: readonly [rows: number, columns: number];
  /** Further inputs, in order. */
  readonly constants: readonly OnnxConstant[];
}

type Bytes = Uint8Array<ArrayBuffer>;
const FLOAT = 1;
const UINT8 = 2;
const INT_ATTRIBUTE = 2;

function join(parts: readonly Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A number from 0 to 2^53 in groups of seven bits, the lowest first. */
function varint(value: number): Bytes {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
}

const whole = (field: number, value: number): Bytes => join([varint(8 * field), varint(value)]);
const block = (field: number, bytes: Uint8Array): Bytes =>
  join([varint(8 * field + 2), varint(bytes.length), bytes]);
const text = (field: number, value: string): Bytes => block(field, new TextEncoder().encode(value));

function constant({ name, shape, data }: OnnxConstant): Bytes {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const type = data instanceof Float32Array ? FLOAT : UINT8;
  return join([...shape.map((size) => whole(1, size)), whole(2, type), text(8, name), block(9, raw)]);
}

function matrixInfo(name: string, shape: readonly number[]): Bytes {
  const sizes = join(shape.map((size) => block(1, whole(1, size))));
  const tensor = join([whole(1, FLOAT), block(2, sizes)]);
  return join([text(1, name), block(2, block(1, tensor))]);
}

/** The bytes of a .onnx file. Inputs are `x` and the constants; the output is `y`. */
export function onnxProduct({ op, domain, attributes, input, output, constants }: OnnxProduct): Bytes {
  const settings = Object.entries(attributes).map(([name, value]) =>
    block(5, join([text(1, name), whole(3, value), whole(20, INT_ATTRIBUTE)])),
  );
  const node = join([
    ...['x', ...constants.map(({ name }) => name)].map((name) => text(1, name)),
    ...[text(2, 'y'), text(3, 'product'), text(4, op), ...settings, text(7, domain)],
  ]);
  const graph = join([
    block(1, node),
    text(2, 'graph'),
    ...constants.map((each) => block(5, constant(each))),
    block(11, matrixInfo('x', input)),
    block(12, matrixInfo('y', output)),
  ]);
  const versions = [join([text(1, ''), whole(2, 17)]), join([text(1, 'com.microsoft'), whole(2, 1)])];
  return join([
    whole(1, 8),
    text(2, 'look-back'),
    block(7, graph),
    ...versions.map((each) => block(8, each)),
  ]);
}
