// Tests what the peers bench gives to other libraries: a model in ONNX's format, read back field by field, and weights of 4 and 8
// bits as ONNX Runtime unpacks them. That the libraries then agree is checked by every run of the bench.
import { describe, expect, it } from 'vitest';
import { onnxBits } from '../bench/onnx_bits';
import { onnxDecoder } from '../bench/onnx_decoder';
import { onnxModel } from '../bench/onnx_graph';
import { peerTextModel } from '../bench/peer_weights';

type Field = number | Uint8Array;

/** Fields of a protobuf message by number, in order. */
function fieldsOf(bytes: Uint8Array): Map<number, Field[]> {
  const fields = new Map<number, Field[]>();
  let at = 0;
  const varint = (): number => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = bytes[at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  const take = (count: number): Uint8Array => {
    at += count;
    return bytes.subarray(at - count, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const kind = tag % 8;
    const value = kind === 0 ? varint() : take(kind === 5 ? 4 : varint());
    const number = Math.floor(tag / 8);
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  expect(at).toBe(bytes.length);
  return fields;
}

const messages = (fields: Map<number, Field[]>, number: number): Map<number, Field[]>[] =>
  (fields.get(number) ?? []).map((bytes) => fieldsOf(bytes as Uint8Array));
const texts = (fields: Map<number, Field[]>, number: number): string[] =>
  (fields.get(number) ?? []).map((bytes) => new TextDecoder().decode(bytes as Uint8Array));

describe('onnxModel', () => {
  it('writes nodes, attributes, values and constants', () => {
    const data = Float32Array.from({ length: 100 }, (_, at) => at / 8);
    const attributes = { axis: 300, epsilon: { float: 0.5 } };
    const bytes = onnxModel({
      nodes: [{ op: 'Some', domain: 'com.microsoft', attributes, inputs: ['x', '', 'w'], outputs: ['y'] }],
      inputs: [{ name: 'x', type: 'int32', shape: [1, 'tokens'] }],
      outputs: [{ name: 'y', type: 'float32', shape: [2] }],
      constants: [{ name: 'w', shape: [4, 25], data }],
    });
    const [graph] = messages(fieldsOf(bytes), 7);
    const [node] = messages(graph!, 1);
    expect([texts(node!, 1), texts(node!, 2), texts(node!, 4), texts(node!, 7)]).toEqual([
      ...[['x', '', 'w'], ['y'], ['Some'], ['com.microsoft']],
    ]);
    const [axis, epsilon] = messages(node!, 5);
    expect([texts(axis!, 1), axis!.get(3), axis!.get(20)]).toEqual([['axis'], [300], [2]]);
    const [float] = epsilon!.get(2) as Uint8Array[];
    expect([texts(epsilon!, 1), new Float32Array(float!.slice().buffer), epsilon!.get(20)]).toEqual([
      ...[['epsilon'], Float32Array.of(0.5), [1]],
    ]);
    const [constant] = messages(graph!, 5);
    expect([constant!.get(1), constant!.get(2), texts(constant!, 8)]).toEqual([[4, 25], [1], ['w']]);
    expect(new Float32Array((constant!.get(9)![0] as Uint8Array).slice().buffer)).toEqual(data);
    const shape = messages(messages(messages(messages(graph!, 11)[0]!, 2)[0]!, 1)[0]!, 2)[0]!;
    expect(messages(shape, 1).map((size) => size.get(1) ?? texts(size, 2))).toEqual([[1], ['tokens']]);
  });
});

describe('onnxBits', () => {
  it.each([4, 8] as const)('gives %i bits that stand for the same values', (bits) => {
    const [n, k] = [3, 64];
    const source = Float32Array.from({ length: n * k }, (_, at) => Math.sin(at * at));
    source.fill(0, 32, 64);
    const { quants, scales, values } = onnxBits(source, k, bits);
    for (let at = 0; at < n * k; at++) {
      const q = bits === 8 ? quants[at]! : (quants[at >> 1]! >> (4 * (at & 1))) & 15;
      // Adding 0 makes zeros of either sign equal.
      expect(Math.fround((q - 2 ** (bits - 1)) * scales[at >> 5]!) + 0).toBe(values[at]! + 0);
    }
  });
});

describe('onnxDecoder', () => {
  it('names every tensor that a node reads before it reads it', () => {
    const model = { ...peerTextModel(1), values: (name: string) => smallValues(name) };
    const [graph] = messages(fieldsOf(onnxDecoder(model, 'f32', 4)), 7);
    const known = new Set([...messages(graph!, 5).flatMap((each) => texts(each, 8)), '']);
    for (const value of messages(graph!, 11)) for (const name of texts(value, 1)) known.add(name);
    for (const node of messages(graph!, 1)) {
      for (const name of texts(node, 1)) expect(known).toContain(name);
      for (const name of texts(node, 2)) known.add(name);
    }
    for (const value of messages(graph!, 12))
      for (const name of texts(value, 1)) expect(known).toContain(name);
  });
});

/** Two rows of a matrix are enough for names; vectors have any length. */
function smallValues(name: string): Float32Array<ArrayBuffer> {
  return new Float32Array(2 * (name.endsWith('down_proj.weight') ? 2816 : 768));
}
