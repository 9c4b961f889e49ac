// Writes a decoder of the Qwen2 family as an ONNX graph in the operators that ONNX Runtime has for such models: packed queries,
// keys and values into GroupQueryAttention with its own rotary embedding, SkipSimplifiedLayerNormalization with the residual,
// MatMulNBits for quantised weights. Gate and up stay apart, which is the form that its optimiser fuses.
// Source: docs/ContribOperators.md of ONNX Runtime; the graphs that onnxruntime-genai's model builder writes.

import { dequantiseRows, quantiseRows } from '../../src/model/quantization';
import { linearRopeTables } from '../../src/model/rope_index';
import { embeddingName } from '../../src/model/weight_names';
import { onnxBits } from './onnx_bits';
import {
  type OnnxAttribute,
  type OnnxConstant,
  type OnnxNode,
  type OnnxValue,
  onnxModel,
} from './onnx_graph';
import { concatenated, type PeerTextModel, transposed } from './peer_weights';

const CONTRIB = 'com.microsoft';

/** How matrices are kept; the vocabulary's take eight bits where the others take four, as ours do. */
export type PeerPrecision = 'f32' | 'int4';

/** Collects nodes and constants. */
class Graph {
  readonly nodes: OnnxNode[] = [];
  readonly constants: OnnxConstant[] = [];
  readonly #model: PeerTextModel;
  readonly #precision: PeerPrecision;

  constructor(model: PeerTextModel, precision: PeerPrecision) {
    this.#model = model;
    this.#precision = precision;
  }

  /** Adds an operator. @returns its first output */
  node(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    domain = '',
  ): string {
    this.nodes.push({ op, domain, attributes, inputs, outputs });
    return outputs[0] as string;
  }

  constant(name: string, shape: readonly number[], data: OnnxConstant['data']): string {
    this.constants.push({ name, shape, data });
    return name;
  }

  vector(name: string): string {
    const data = this.#model.values(name);
    return this.constant(name, [data.length], data);
  }

  /** Rows of x by the rows of weights below each other, with biases. */
  linear(x: string, output: string, weights: readonly string[], biases: readonly string[] = []): string {
    const k = this.#model.spec.text.hiddenSize;
    const width = weights[0]?.endsWith('down_proj.weight') ? this.#model.spec.text.intermediateSize : k;
    const values = concatenated(weights.map((name) => this.#model.values(name)));
    const product = biases.length > 0 ? `${output}.product` : output;
    this.product(x, product, values, width, 4);
    if (biases.length === 0) return product;
    const bias = concatenated(biases.map((name) => this.#model.values(name)));
    return this.node('Add', [product, this.constant(`${output}.bias`, [bias.length], bias)], [output]);
  }

  /** Rows of x by those of a matrix [n, k]. */
  product(x: string, output: string, values: Float32Array, k: number, bits: 4 | 8): string {
    const n = values.length / k;
    if (this.#precision === 'f32')
      return this.node(
        'MatMul',
        [x, this.constant(`${output}.w`, [k, n], transposed(values, n, k))],
        [output],
      );
    const { quants, scales, attributes } = onnxBits(values, k, bits);
    const inputs = [
      ...[
        x,
        this.constant(
          `${output}.w`,
          [n, k / attributes.block_size, (attributes.block_size * bits) / 8],
          quants,
        ),
      ],
      this.constant(`${output}.s`, [n * (k / attributes.block_size)], scales),
    ];
    return this.node('MatMulNBits', inputs, [output], attributes, CONTRIB);
  }
}

/** Queries, keys and values of a layer into attention over its cache. */
function attention(graph: Graph, { spec }: PeerTextModel, x: string, layer: number): string {
  const { numAttentionHeads, numKeyValueHeads, headDim } = spec.text;
  const at = `${spec.text.prefix}layers.${layer}.self_attn.`;
  const parts = ['q', 'k', 'v'].map((part) => `${at}${part}_proj`);
  const qkv = graph.linear(
    ...([x, `qkv.${layer}`, parts.map((name) => `${name}.weight`)] as const),
    parts.map((name) => `${name}.bias`),
  );
  const attributes = {
    ...{ num_heads: numAttentionHeads, kv_num_heads: numKeyValueHeads, do_rotary: 1 },
    scale: { float: headDim ** -0.5 },
  };
  const cache = ['k', 'v'].map((part) => `past.${layer}.${part}`);
  const given = ['seqlens_k', 'total_sequence_length', 'cos_cache', 'sin_cache'];
  const outputs = [`attention.${layer}`, `present.${layer}.k`, `present.${layer}.v`];
  const attended = graph.node(
    ...(['GroupQueryAttention', [qkv, '', '', ...cache, ...given], outputs, attributes, CONTRIB] as const),
  );
  return graph.linear(attended, `o.${layer}`, [`${at}o_proj.weight`]);
}

function mlp(graph: Graph, { spec }: PeerTextModel, x: string, layer: number): string {
  const at = `${spec.text.prefix}layers.${layer}.mlp.`;
  const gate = graph.linear(x, `gate.${layer}`, [`${at}gate_proj.weight`]);
  const up = graph.linear(x, `up.${layer}`, [`${at}up_proj.weight`]);
  const sigmoid = graph.node('Sigmoid', [gate], [`sigmoid.${layer}`]);
  const silu = graph.node('Mul', [gate, sigmoid], [`silu.${layer}`]);
  const product = graph.node('Mul', [silu, up], [`gated.${layer}`]);
  return graph.linear(product, `down.${layer}`, [`${at}down_proj.weight`]);
}

/** The whole decoder from ids to the logits of one row, `last`. */
function decoder(graph: Graph, model: PeerTextModel, precision: PeerPrecision): void {
  const { text } = model.spec;
  const { hiddenSize, vocabSize, numHiddenLayers, prefix } = text;
  const stored = model.values(embeddingName(text));
  const rows = precision === 'int4' ? quantiseRows(stored, hiddenSize, 'int8') : null;
  const table = rows ? dequantiseRows(rows, hiddenSize, 'int8') : stored;
  const epsilon = { epsilon: { float: text.rmsNormEps } };
  let stream = graph.node(
    'Gather',
    [graph.constant('table', [vocabSize, hiddenSize], table), 'ids'],
    ['embedded'],
  );
  const first = graph.vector(`${prefix}layers.0.input_layernorm.weight`);
  let normed = graph.node('SimplifiedLayerNormalization', [stream, first], ['normed'], {
    ...epsilon,
    axis: 2,
  });
  const add = (x: string, weight: string, name: string): void => {
    const outputs = [`${name}.normed`, '', '', `${name}.sum`];
    const inputs = [stream, x, graph.vector(weight)];
    normed = graph.node('SkipSimplifiedLayerNormalization', inputs, outputs, epsilon, CONTRIB);
    stream = `${name}.sum`;
  };
  for (let layer = 0; layer < numHiddenLayers; layer++) {
    const at = `${prefix}layers.${layer}.`;
    add(attention(graph, model, normed, layer), `${at}post_attention_layernorm.weight`, `attended.${layer}`);
    const next =
      layer + 1 < numHiddenLayers ? `${prefix}layers.${layer + 1}.input_layernorm` : `${prefix}norm`;
    add(mlp(graph, model, normed, layer), `${next}.weight`, `layer.${layer}`);
  }
  const row = graph.node('Gather', [normed, 'last'], ['row'], { axis: 1 });
  graph.product(row, 'logits', stored, hiddenSize, 8);
}

/**
 * The bytes of the graph. Inputs are `ids` i32 [1, T], `last` i32 [1], `seqlens_k` i32 [1], `total_sequence_length` i32 [1] and
 * `past.N.k|v` [1, kvHeads, P, headSize]; outputs `logits` [1, 1, V] and `present.N.k|v`.
 * @param positions rows of the rotary tables
 */
export function onnxDecoder(
  model: PeerTextModel,
  precision: PeerPrecision,
  positions: number,
): Uint8Array<ArrayBuffer> {
  const { text } = model.spec;
  const graph = new Graph(model, precision);
  const { cos, sin, width } = linearRopeTables(0, positions, text);
  graph.constant('cos_cache', [positions, width], cos);
  graph.constant('sin_cache', [positions, width], sin);
  decoder(graph, model, precision);
  const cells = (name: string): OnnxValue => ({
    ...{ name, type: 'float32' },
    shape: [1, text.numKeyValueHeads, name.startsWith('past') ? 'past' : 'present', text.headDim],
  });
  const cache = (side: string): OnnxValue[] =>
    Array.from({ length: text.numHiddenLayers }, (_, layer) =>
      ['k', 'v'].map((part) => cells(`${side}.${layer}.${part}`)),
    ).flat();
  const one = (name: string): OnnxValue => ({ name, type: 'int32', shape: [1] });
  return onnxModel({
    nodes: graph.nodes,
    constants: graph.constants,
    inputs: [
      { name: 'ids', type: 'int32', shape: [1, 'tokens'] },
      ...['last', 'seqlens_k', 'total_sequence_length'].map(one),
      ...cache('past'),
    ],
    outputs: [{ name: 'logits', type: 'float32', shape: [1, 1, text.vocabSize] }, ...cache('present')],
  });
}
