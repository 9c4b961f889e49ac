// Runs the peers bench's text model by jax-js in f32, each as one jit-compiled function: a decode step over a cache, and a step of
// training a LoRA adapter on all seven projections. Weights are [in, out], as its products want them.

import { linearRopeTables } from '../../src/model/rope_index';
import { embeddingName } from '../../src/model/weight_names';
import {
  adamwRates,
  adamwStep,
  type Jax,
  type JaxArray,
  type JaxTrainState,
  type JaxTree,
  rmsNorm,
  rotate,
  useWebgpu,
} from './jax';
import { PEER_ADAMW, type PeerTrainer, peerBatch, peerLora } from './peer_lora';
import type { PeerCall } from './peer_models';
import { concatenated, type PeerTextModel, peerCache, transposed } from './peer_weights';

const FUSED: Readonly<Record<string, readonly string[]>> = {
  qkv: ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'],
  o: ['self_attn.o_proj'],
  gate_up: ['mlp.gate_proj', 'mlp.up_proj'],
  down: ['mlp.down_proj'],
};

/** All weights on its device: `table`, `norm`, and of each layer `N.norm1`, `N.norm2` and its projections. */
function uploadWeights({ numpy: np }: Jax, model: PeerTextModel): JaxTree {
  const { text } = model.spec;
  const { hiddenSize, intermediateSize } = text;
  const vector = (name: string): JaxArray => np.array(model.values(name));
  const tree: JaxTree = {
    table: np.array(model.values(embeddingName(text))).reshape([text.vocabSize, hiddenSize]),
    norm: vector(`${text.prefix}norm.weight`),
  };
  for (let layer = 0; layer < text.numHiddenLayers; layer++) {
    const at = (name: string): string => `${text.prefix}layers.${layer}.${name}`;
    tree[`${layer}.norm1`] = vector(at('input_layernorm.weight'));
    tree[`${layer}.norm2`] = vector(at('post_attention_layernorm.weight'));
    for (const [name, parts] of Object.entries(FUSED)) {
      const k = name === 'down' ? intermediateSize : hiddenSize;
      const values = concatenated(parts.map((part) => model.values(at(`${part}.weight`))));
      const n = values.length / k;
      tree[`${layer}.${name}`] = np.array(transposed(values, n, k)).reshape([k, n]);
    }
    const biases = FUSED.qkv!.map((part) => model.values(at(`${part}.bias`)));
    tree[`${layer}.bias`] = np.array(concatenated(biases));
  }
  return tree;
}

/** Each array kept for another use. */
const refs = (tree: JaxTree): JaxTree =>
  Object.fromEntries(Object.entries(tree).map(([name, array]) => [name, array.ref]));

/** What a pass needs beside x: weights, rotary tables, the adapter. */
interface Pass {
  readonly weights: JaxTree;
  readonly cos: JaxArray;
  readonly sin: JaxArray;
  readonly lora?: JaxTree;
}

/** x by a projection of a layer, with what an adapter adds; consumes x. */
function project(jax: Jax, { weights, lora }: Pass, layer: number, name: string, x: JaxArray): JaxArray {
  const { numpy: np } = jax;
  const y = np.matmul(lora ? x.ref : x, weights[`${layer}.${name}`]!);
  if (!lora) return y;
  const parts = FUSED[name]!;
  const added = parts.map((part, index) => {
    const input = index === parts.length - 1 ? x : x.ref;
    const down = np.matmul(input, lora[`${layer}.${part}.A`]!);
    return np.matmul(down, lora[`${layer}.${part}.B`]!);
  });
  const all = added.length === 1 ? added[0]! : np.concatenate(added, -1);
  return y.add(all.mul(peerLora.scale));
}

/** One layer over `tokens` rows; `attend` gets turned queries, turned keys and values [T, heads, size]. */
function decoderLayer(
  jax: Jax,
  { spec: { text } }: PeerTextModel,
  pass: Pass,
  layer: number,
  x: JaxArray,
  tokens: number,
  attend: (q: JaxArray, k: JaxArray, v: JaxArray) => JaxArray,
): JaxArray {
  const { numpy: np, nn } = jax;
  const { numAttentionHeads: heads, numKeyValueHeads: kvHeads, headDim, rmsNormEps: eps } = text;
  const [q, kv] = [heads * headDim, kvHeads * headDim];
  const weight = (name: string): JaxArray => pass.weights[`${layer}.${name}`]!;
  const normed = rmsNorm(jax, x.ref, weight('norm1'), eps);
  const qkv = project(jax, pass, layer, 'qkv', normed).add(weight('bias'));
  const [queries, keys, values] = np.split(qkv, [q, q + kv], -1) as [JaxArray, JaxArray, JaxArray];
  const turned = (rows: JaxArray, count: number): JaxArray =>
    rotate(jax, rows.reshape([tokens, count, headDim]), pass.cos.ref, pass.sin.ref);
  const out = attend(
    turned(queries, heads),
    turned(keys, kvHeads),
    values.reshape([tokens, kvHeads, headDim]),
  );
  const attended = x.add(project(jax, pass, layer, 'o', out.reshape([tokens, q])));
  const gateUp = project(jax, pass, layer, 'gate_up', rmsNorm(jax, attended.ref, weight('norm2'), eps));
  const [gate, up] = np.split(gateUp, 2, -1) as [JaxArray, JaxArray];
  return attended.add(project(jax, pass, layer, 'down', nn.silu(gate).mul(up)));
}

/** From ids to logits of all rows. */
function decoder(
  jax: Jax,
  model: PeerTextModel,
  pass: Pass,
  ids: JaxArray,
  tokens: number,
  attend: (layer: number, q: JaxArray, k: JaxArray, v: JaxArray) => JaxArray,
): JaxArray {
  const { numpy: np } = jax;
  const { numHiddenLayers, rmsNormEps } = model.spec.text;
  const table = pass.weights.table!;
  let x = np.take(table.ref, ids, 0);
  for (let layer = 0; layer < numHiddenLayers; layer++)
    x = decoderLayer(jax, model, pass, layer, x, tokens, (q, k, v) => attend(layer, q, k, v));
  pass.cos.dispose();
  pass.sin.dispose();
  return np.matmul(rmsNorm(jax, x, pass.weights.norm!, rmsNormEps), np.matrixTranspose(table));
}

/** Rotary tables of rows from `first` on, [rows, 1, HS / 2]. */
function rotaryTables({ numpy: np }: Jax, { spec }: PeerTextModel, first: number, rows: number): JaxArray[] {
  const { cos, sin, width } = linearRopeTables(first, rows, spec.text);
  return [cos, sin].map((table) => np.array(table).reshape([rows, 1, width]));
}

/** [kvHeads, positions, size] as [positions, kvHeads, size]. */
function byPosition(cells: Float32Array, heads: number, size: number): Float32Array<ArrayBuffer> {
  const positions = cells.length / (heads * size);
  const result = new Float32Array(cells.length);
  for (let head = 0; head < heads; head++)
    for (let at = 0; at < positions; at++) {
      const from = (head * positions + at) * size;
      result.set(cells.subarray(from, from + size), (at * heads + head) * size);
    }
  return result;
}

/** A decode step over `keys` cached keys, and what it would append to them. */
export async function openJaxDecoding(jax: Jax, model: PeerTextModel, keys: number): Promise<PeerCall> {
  await useWebgpu(jax);
  const { numpy: np, nn } = jax;
  const { headDim, numKeyValueHeads, numHiddenLayers } = model.spec.text;
  const weights = uploadWeights(jax, model);
  const cache: JaxTree = {};
  for (let layer = 0; layer < numHiddenLayers; layer++)
    for (const part of ['k', 'v'] as const) {
      const cells = byPosition(peerCache(model.spec, layer, part, keys), numKeyValueHeads, headDim);
      cache[`${layer}.${part}`] = np.array(cells).reshape([keys, numKeyValueHeads, headDim]);
    }
  const tables = rotaryTables(jax, model, keys, 1);
  const options = { scale: headDim ** -0.5 };
  const step = jax.jit((w: JaxTree, past: JaxTree, [cos, sin]: JaxArray[], ids: JaxArray) => {
    const added: JaxTree = {};
    const attend = (layer: number, q: JaxArray, k: JaxArray, v: JaxArray): JaxArray => {
      added[`${layer}.k`] = k.ref;
      added[`${layer}.v`] = v.ref;
      const all = [k, v].map((part, at) => np.concatenate([past[`${layer}.${'kv'[at]}`]!, part], 0));
      return nn.dotProductAttention(q, all[0]!, all[1]!, options);
    };
    return [decoder(jax, model, { weights: w, cos: cos!, sin: sin! }, ids, 1, attend), added] as const;
  });
  return {
    run: async ([id = 0]) => {
      const ids = np.array(Int32Array.of(id), { dtype: np.int32 });
      const [logits, added] = step(
        refs(weights),
        refs(cache),
        tables.map((table) => table.ref),
        ids,
      );
      const result = await logits.data();
      for (const array of Object.values(added)) array.dispose();
      return result;
    },
    destroy: () => {
      for (const array of [...Object.values(weights), ...Object.values(cache), ...tables]) array.dispose();
    },
  };
}

/** Mean cross-entropy of the batch under the adapter. */
function loraLoss(jax: Jax, model: PeerTextModel, pass: Pass, [ids, labels]: readonly JaxArray[]): JaxArray {
  const { nn } = jax;
  const { headDim, vocabSize } = model.spec.text;
  const options = { scale: headDim ** -0.5, isCausal: true };
  const { tokens } = peerLora;
  const attend = (_: number, q: JaxArray, k: JaxArray, v: JaxArray): JaxArray =>
    nn.dotProductAttention(q, k, v, options);
  const logits = decoder(jax, model, pass, ids!, tokens, attend);
  return nn
    .logSoftmax(logits, -1)
    .mul(nn.oneHot(labels!, vocabSize))
    .sum()
    .mul(-1 / tokens);
}

/** The adapter as arrays: A [in, r], B [r, out]. */
function uploadAdapter({ numpy: np }: Jax, model: PeerTextModel): JaxTrainState {
  const state: JaxTrainState = { weights: {}, m: {}, v: {} };
  for (const { module, a, b } of peerLora.weights(model.spec)) {
    const place = module.slice(`${model.spec.text.prefix}layers.`.length);
    for (const [name, values] of [
      ['A', a],
      ['B', b],
    ] as const) {
      const rows = name === 'A' ? peerLora.rank : values.length / peerLora.rank;
      const columns = values.length / rows;
      const shape = [columns, rows];
      state.weights[`${place}.${name}`] = np.array(transposed(values, rows, columns)).reshape(shape);
      state.m[`${place}.${name}`] = np.zeros(shape);
      state.v[`${place}.${name}`] = np.zeros(shape);
    }
  }
  return state;
}

/** Its trainer of the adapter: forward, backward and AdamW in one function. */
export async function openJaxLora(jax: Jax, model: PeerTextModel): Promise<PeerTrainer> {
  await useWebgpu(jax);
  const { numpy: np } = jax;
  const weights = uploadWeights(jax, model);
  let state = uploadAdapter(jax, model);
  const tables = rotaryTables(jax, model, 0, peerLora.tokens);
  const { ids, labels } = peerBatch(model.spec);
  const run = jax.jit(
    (
      ...[train, frozen, angles, batch, rates]: [JaxTrainState, JaxTree, JaxArray[], JaxArray[], JaxArray[]]
    ) => {
      const loss = (lora: JaxTree, w: JaxTree, [cos, sin]: JaxArray[], rows: JaxArray[]): JaxArray =>
        loraLoss(jax, model, { weights: w, cos: cos!, sin: sin!, lora }, rows);
      const [value, gradients] = jax.valueAndGrad(loss)(refs(train.weights), frozen, angles, batch);
      return [value, adamwStep(jax, train, gradients, rates, PEER_ADAMW)] as const;
    },
  );
  let steps = 0;
  return {
    step: async () => {
      const batch = [ids, labels].map((rows) => np.array(Int32Array.from(rows), { dtype: np.int32 }));
      const rates = adamwRates(jax, PEER_ADAMW, ++steps);
      const given = tables.map((table) => table.ref);
      const [value, next] = run(state, refs(weights), given, batch, rates);
      state = next;
      const [loss = Number.NaN] = await value.data();
      await jax.blockUntilReady(state.weights);
      return loss;
    },
    destroy: () => {
      const trees = [weights, state.weights, state.m, state.v];
      for (const array of [...trees.flatMap((tree) => Object.values(tree)), ...tables]) array.dispose();
    },
  };
}
