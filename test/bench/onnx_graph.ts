// Writes ONNX models, for benches that ask ONNX Runtime for the same as ours. Only the fields that such models need are written.
// Source: onnx/onnx.proto3 of the ONNX project, https://github.com/onnx/onnx (field numbers), and the operators' documents.

/** A constant of the graph. */
export interface OnnxConstant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint8Array;
}

/** Values of an attribute: a whole number, or one in f32. */
export type OnnxAttribute = number | { readonly float: number };

/** One operator of the graph. */
export interface OnnxNode {
  readonly op: string;
  /** Empty for ONNX's own operators. */
  readonly domain: string;
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
  /** Names of tensors; empty for an optional one that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** What goes into a graph or comes out of it. */
export interface OnnxValue {
  readonly name: string;
  readonly type: 'float32' | 'int32' | 'int64';
  /** Sizes; a name for one that is known when the graph runs. */
  readonly shape: readonly (number | string)[];
}

/** A whole model. */
export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly constants: readonly OnnxConstant[];
}

/** Encoded bytes in pieces, so that weights are copied once, into the file. */
type Pieces = readonly Uint8Array[];

const FLOAT = 1;
const UINT8 = 2;
const VALUE_TYPES = { float32: FLOAT, int32: 6, int64: 7 } as const;
const FLOAT_ATTRIBUTE = 1;
const INT_ATTRIBUTE = 2;

const lengthOf = (pieces: Pieces): number => pieces.reduce((sum, { length }) => sum + length, 0);

function joined(pieces: Pieces): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(lengthOf(pieces));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** A number from 0 to 2^53 in groups of seven bits, the lowest first. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
}

const whole = (field: number, value: number): Pieces => [varint(8 * field), varint(value)];
const block = (field: number, pieces: Pieces): Pieces => [
  varint(8 * field + 2),
  varint(lengthOf(pieces)),
  ...pieces,
];
const text = (field: number, value: string): Pieces => block(field, [new TextEncoder().encode(value)]);
const float = (field: number, value: number): Pieces => [
  varint(8 * field + 5),
  new Uint8Array(Float32Array.of(value).buffer),
];

function constant({ name, shape, data }: OnnxConstant): Pieces {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const type = data instanceof Float32Array ? FLOAT : UINT8;
  return [
    ...shape.flatMap((size) => whole(1, size)),
    ...whole(2, type),
    ...text(8, name),
    ...block(9, [raw]),
  ];
}

function valueInfo({ name, type, shape }: OnnxValue): Pieces {
  const sizes = shape.flatMap((size) => block(1, typeof size === 'number' ? whole(1, size) : text(2, size)));
  const tensor = [...whole(1, VALUE_TYPES[type]), ...block(2, sizes)];
  return [...text(1, name), ...block(2, block(1, tensor))];
}

function attribute(name: string, value: OnnxAttribute): Pieces {
  if (typeof value === 'number') return [...text(1, name), ...whole(3, value), ...whole(20, INT_ATTRIBUTE)];
  return [...text(1, name), ...float(2, value.float), ...whole(20, FLOAT_ATTRIBUTE)];
}

function node({ op, domain, attributes, inputs, outputs }: OnnxNode): Pieces {
  return [
    ...inputs.flatMap((name) => text(1, name)),
    ...outputs.flatMap((name) => text(2, name)),
    ...text(3, `${op} ${outputs[0]}`),
    ...text(4, op),
    ...Object.entries(attributes).flatMap(([name, value]) => block(5, attribute(name, value))),
    ...text(7, domain),
  ];
}

/** The bytes of a .onnx file. Nodes come in an order in which they can run. */
export function onnxModel({ nodes, inputs, outputs, constants }: OnnxModel): Uint8Array<ArrayBuffer> {
  const graph = [
    ...nodes.flatMap((each) => block(1, node(each))),
    ...text(2, 'graph'),
    ...constants.flatMap((each) => block(5, constant(each))),
    ...inputs.flatMap((each) => block(11, valueInfo(each))),
    ...outputs.flatMap((each) => block(12, valueInfo(each))),
  ];
  const versions = [
    [...text(1, ''), ...whole(2, 17)],
    [...text(1, 'com.microsoft'), ...whole(2, 1)],
  ];
  return joined([
    ...whole(1, 8),
    ...text(2, 'look-back'),
    ...block(7, graph),
    ...versions.flatMap((each) => block(8, each)),
  ]);
}

/** An operator that multiplies rows `x` by constants. */
export interface OnnxProduct extends Pick<OnnxNode, 'op' | 'domain' | 'attributes'> {
  readonly input: readonly [rows: number, columns: number];
  readonly output: readonly [rows: number, columns: number];
  /** Further inputs, in order. */
  readonly constants: readonly OnnxConstant[];
}

/** A model of one operator. Inputs are `x` and the constants; the output is `y`; both are f32 matrices. */
export function onnxProduct({ input, output, constants, ...operator }: OnnxProduct): Uint8Array<ArrayBuffer> {
  const inputs = ['x', ...constants.map(({ name }) => name)];
  return onnxModel({
    nodes: [{ ...operator, inputs, outputs: ['y'] }],
    inputs: [{ name: 'x', type: 'float32', shape: input }],
    outputs: [{ name: 'y', type: 'float32', shape: output }],
    constants,
  });
}
