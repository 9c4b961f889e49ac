// Lists representative calls of every kernel, so that tests and warm-up can compile them all. Every variant that a
// wrapper can choose is reachable from here.

import type { DeviceTraits } from '../gpu/device';
import type { KernelCall } from '../gpu/kernel';
import { type ActivationKind, activation, activationBackward } from './activation';
import { adamw } from './adamw';
import { addRows } from './add_rows';
import { blendRows } from './blend_rows';
import { unsharedCache } from './cache_shape';
import { captureReduce } from './capture_reduce';
import { clipFactor, squareSum } from './clip';
import { columnSum } from './column_sum';
import { copyColumns } from './copy_columns';
import { decodeAttention } from './decode_attention';
import { dropout } from './dropout';
import { type ElementwiseKind, elementwise } from './elementwise';
import { embedding } from './embedding';
import { fmaPeak } from './fma_peak';
import { fusedGemv, loraDown } from './fused_gemv';
import { gatherRows, scatterRows } from './gather_rows';
import { type GemmOptions, gemm } from './gemm';
import { grpoLoss } from './grpo_loss';
import { headNorm, headNormBackward } from './head_norm';
import { kvAppend } from './kv_append';
import { layerNorm, layerNormBackward, layerNormWeightGradient } from './layer_norm';
import { packBf16, unpackBf16 } from './pack_bf16';
import { quadDecodeAttention, quadsDecode } from './quad_decode_attention';
import { rmsNorm, rmsNormBackward, rmsNormWeightGradient } from './rms_norm';
import { SAMPLER_REACHES, sampler, samplerProbabilities } from './sampler';
import { segmentAttention } from './segment_attention';
import {
  attentionBackwardKeyValue,
  attentionBackwardQuery,
  attentionDelta,
} from './segment_attention_backward';
import { splitDecodeAttention } from './split_decode_attention';
import { splitRotary, splitRotaryAppend, splitRotaryBackward } from './split_rotary';
import { swiglu, swigluBackward } from './swiglu';
import { tokenLogp, tokenLogpBackward } from './token_logp';

/** A kernel by its wrapper's name, with calls that cover its variants on a device. */
export interface CatalogueEntry {
  readonly name: string;
  readonly build: (traits: DeviceTraits) => readonly KernelCall[];
}

const ROW_WIDTHS = [96, 2048] as const;
const NO_YES = [false, true] as const;
const ACTIVATION_KINDS: readonly ActivationKind[] = [
  'silu',
  'sigmoid',
  'gelu',
  'gelu_tanh',
  'quick_gelu',
  'erf',
];
const ELEMENTWISE_KINDS: readonly ElementwiseKind[] = ['add', 'multiply', 'axpy', 'scale', 'copy', 'fill'];
const HEADS = { heads: 6, kvHeads: 2, headSize: 16 } as const;

const CACHES = [
  unsharedCache(3, 8, 'f32'),
  { slots: 2, capacity: 8, prefixes: 1, prefixCapacity: 5, format: 'f16' },
] as const;
const ATTENTION = { ...HEADS, tokens: 5, keys: 5, scale: 0.25 } as const;
/** Without lse the map fits the eight storage bindings that every device has. */
const CAPTURES = [{}, { capture: { mapSize: 0 } }, { capture: { mapSize: 3 }, saveLse: false }] as const;

/** Sizes that lead to different GEMM variants: single and few rows, narrow, small, large. */
const GEMM_SIZES = [
  { m: 1, n: 96, k: 64 },
  { m: 2, n: 96, k: 64 },
  { m: 4, n: 96, k: 64 },
  { m: 512, n: 8, k: 64 },
  { m: 33, n: 96, k: 64 },
  { m: 512, n: 512, k: 64 },
] as const;
const GEMM_KINDS: readonly Pick<GemmOptions, 'mode' | 'weight'>[] = [
  { mode: 'nt', weight: 'f32' },
  { mode: 'nt', weight: 'bf16' },
  { mode: 'nt', weight: 'f16' },
  { mode: 'nn', weight: 'f32' },
  { mode: 'nn', weight: 'bf16' },
  { mode: 'nt', weight: 'int8' },
  { mode: 'nt', weight: 'int4' },
  { mode: 'nn', weight: 'int8' },
  { mode: 'nn', weight: 'int4' },
  { mode: 'tn', weight: 'f32' },
];

const FUSED_LORA = {
  arena: 1024,
  modules: [
    { first: 0, columns: 4, rank: 2, a: 0, b: 128, scale: 1 },
    { first: 4, columns: 4, rank: 3, a: 256, b: 512, scale: 1 },
  ],
} as const;
/** The layers of a decoder: attention's projections, the MLP's. */
const FUSED_CASES = [
  { m: 1, n: 8, k: 32, norm: { eps: 1e-6 }, bias: true },
  { m: 8, n: 8, k: 32, norm: { eps: 1e-6 }, bias: true, lora: FUSED_LORA },
  { m: 1, n: 8, k: 32, norm: { eps: 1e-6 }, gated: true, lora: FUSED_LORA },
  { m: 2, n: 8, k: 32, residual: true, lora: FUSED_LORA },
] as const;

/** All kernels of the engine. */
export const KERNEL_CATALOGUE: readonly CatalogueEntry[] = [
  { name: 'grpoLoss', build: (traits) => [grpoLoss({ count: 3 }, traits)] },
  {
    name: 'tokenLogp',
    build: (traits) =>
      NO_YES.flatMap((last) => [0, 64].map((first) => tokenLogp({ rows: 2, cols: 64, first, last }, traits))),
  },
  {
    name: 'tokenLogpBackward',
    build: (traits) => [tokenLogpBackward({ rows: 2, cols: 64, first: 0 }, traits)],
  },
  {
    name: 'fusedGemv',
    build: (traits) =>
      FUSED_CASES.flatMap((o) =>
        (['bf16', 'int4'] as const).map((weight) => fusedGemv({ ...o, weight }, traits)),
      ),
  },
  {
    name: 'loraDown',
    build: (traits) =>
      [{ eps: 1e-6 }, undefined].map((norm) => loraDown({ m: 2, k: 32, norm, lora: FUSED_LORA }, traits)),
  },
  { name: 'packBf16', build: (traits) => [packBf16, unpackBf16].map((make) => make({ count: 3 }, traits)) },
  {
    name: 'copyColumns',
    build: (traits) => [
      copyColumns({ rows: 2, cols: 3, sourceCols: 3, sourceFirst: 0, targetCols: 5, targetFirst: 1 }, traits),
    ],
  },
  {
    name: 'gemm',
    build: (traits) =>
      GEMM_KINDS.flatMap((kind) =>
        // Every size for linear layers, one for the rest: each is a shader to compile.
        GEMM_SIZES.slice(kind.mode === 'nt' && kind.weight === 'f32' ? 0 : 4).map((size) =>
          gemm({ ...size, ...kind }, traits),
        ),
      ),
  },
  { name: 'addRows', build: (traits) => [addRows({ count: 3, cols: 5, offset: 1 }, traits)] },
  { name: 'blendRows', build: (traits) => [blendRows({ rows: 3, cols: 5 }, traits)] },
  {
    name: 'headNorm',
    build: (traits) => [headNorm({ ...HEADS, tokens: 3, eps: 1e-6 }, traits)],
  },
  {
    name: 'headNormBackward',
    build: (traits) => [headNormBackward({ ...HEADS, tokens: 3, eps: 1e-6 }, traits)],
  },
  {
    name: 'rmsNorm',
    build: (traits) =>
      ROW_WIDTHS.flatMap((cols) =>
        NO_YES.map((saveRstd) => rmsNorm({ rows: 3, cols, eps: 1e-6, saveRstd }, traits)),
      ),
  },
  {
    name: 'rmsNormBackward',
    build: (traits) =>
      ROW_WIDTHS.flatMap((cols) =>
        NO_YES.map((accumulate) => rmsNormBackward({ rows: 3, cols, accumulate }, traits)),
      ),
  },
  { name: 'rmsNormWeightGradient', build: (traits) => [rmsNormWeightGradient({ rows: 3, cols: 5 }, traits)] },
  {
    name: 'layerNorm',
    build: (traits) =>
      ROW_WIDTHS.flatMap((cols) =>
        NO_YES.map((saveStats) => layerNorm({ rows: 3, cols, eps: 1e-6, saveStats }, traits)),
      ),
  },
  {
    name: 'layerNormBackward',
    build: (traits) =>
      ROW_WIDTHS.flatMap((cols) =>
        NO_YES.map((accumulate) => layerNormBackward({ rows: 3, cols, accumulate }, traits)),
      ),
  },
  {
    name: 'layerNormWeightGradient',
    build: (traits) => [layerNormWeightGradient({ rows: 3, cols: 5 }, traits)],
  },
  {
    name: 'columnSum',
    build: (traits) =>
      NO_YES.map((accumulate) => columnSum({ rows: 9, cols: 5, chunk: 4, accumulate }, traits)),
  },
  { name: 'splitRotary', build: (traits) => [splitRotary({ tokens: 3, ...HEADS }, traits)] },
  { name: 'splitRotaryBackward', build: (traits) => [splitRotaryBackward({ tokens: 3, ...HEADS }, traits)] },
  {
    name: 'splitRotaryAppend',
    build: (traits) => CACHES.map((cache) => splitRotaryAppend({ batch: 2, cache, ...HEADS }, traits)),
  },
  {
    name: 'kvAppend',
    build: (traits) => CACHES.map((cache) => kvAppend({ tokens: 3, kvHeads: 2, headSize: 8, cache }, traits)),
  },
  { name: 'swiglu', build: (traits) => [swiglu({ rows: 3, cols: 5 }, traits)] },
  { name: 'swigluBackward', build: (traits) => [swigluBackward({ rows: 3, cols: 5 }, traits)] },
  {
    name: 'activation',
    build: (traits) =>
      ACTIVATION_KINDS.flatMap((kind) =>
        NO_YES.map((derivative) => activation({ count: 9, kind, derivative }, traits)),
      ),
  },
  {
    name: 'activationBackward',
    build: (traits) => ACTIVATION_KINDS.map((kind) => activationBackward({ count: 9, kind }, traits)),
  },
  {
    name: 'elementwise',
    build: (traits) =>
      ELEMENTWISE_KINDS.flatMap((kind) => [8, 9].map((count) => elementwise({ kind, count }, traits))),
  },
  {
    name: 'dropout',
    build: (traits) => [8, 9].map((count) => dropout({ count, p: 0.5, stream: 0 }, traits)),
  },
  {
    name: 'embedding',
    build: (traits) =>
      (['f32', 'bf16', 'f16', 'int8', 'int4'] as const).flatMap((weight) =>
        NO_YES.map((images) => embedding({ tokens: 3, hidden: 8, vocab: 16, weight, images }, traits)),
      ),
  },
  { name: 'gatherRows', build: (traits) => [gatherRows({ rows: 3, cols: 5 }, traits)] },
  {
    name: 'scatterRows',
    build: (traits) => scatterRows({ rows: 3, cols: 5, total: 7 }, traits).map((step) => step.call),
  },
  {
    name: 'sampler',
    build: (traits) =>
      SAMPLER_REACHES.flatMap((reach) =>
        [112, 4099].map((vocab) => sampler({ batch: 2, vocab, reach }, traits)),
      ),
  },
  {
    name: 'samplerProbabilities',
    build: (traits) => [112, 4099].map((vocab) => samplerProbabilities({ batch: 2, vocab }, traits)),
  },
  { name: 'fmaPeak', build: (traits) => [fmaPeak({ count: 65, rounds: 3, a: 0.5, b: 0.5 }, traits)] },
  { name: 'squareSum', build: (traits) => [1000, 1000000].map((count) => squareSum({ count }, traits)) },
  { name: 'clipFactor', build: (traits) => [clipFactor({ count: 1000, maxNorm: 1 }, traits)] },
  { name: 'adamw', build: (traits) => [adamw({ count: 9 }, traits)] },
  {
    name: 'segmentAttention',
    build: (traits) => [
      ...CAPTURES.map((capture) => segmentAttention({ ...ATTENTION, ...capture }, traits)),
      ...CACHES.map(({ format }) =>
        segmentAttention({ ...ATTENTION, byHead: format, saveLse: false }, traits),
      ),
    ],
  },
  { name: 'attentionDelta', build: (traits) => [attentionDelta(ATTENTION, traits)] },
  { name: 'attentionBackwardQuery', build: (traits) => [attentionBackwardQuery(ATTENTION, traits)] },
  { name: 'attentionBackwardKeyValue', build: (traits) => [attentionBackwardKeyValue(ATTENTION, traits)] },
  {
    name: 'decodeAttention',
    build: (traits) =>
      CACHES.flatMap((cache) =>
        CAPTURES.flatMap((capture) =>
          decodeAttention({ ...HEADS, batch: 2, cache, scale: 0.25, ...capture }, traits),
        ),
      ),
  },
  {
    name: 'quadDecodeAttention',
    build: (traits) =>
      [undefined, { mapSize: 0 }, { mapSize: 3 }].flatMap((capture) => {
        const cache = unsharedCache(3, 8, 'f32');
        const options = { ...HEADS, batch: 2, cache, scale: 0.25, ...(capture ? { capture } : {}) };
        return quadsDecode(options, traits) ? [quadDecodeAttention(options, traits)] : [];
      }),
  },
  {
    name: 'splitDecodeAttention',
    // Software devices never run it, and take seconds to compile it.
    build: (traits) =>
      traits.software
        ? []
        : CACHES.flatMap((cache) =>
            [undefined, { mapSize: 0 }, { mapSize: 3 }].flatMap((capture) => {
              const options = { ...HEADS, batch: 2, cache, scale: 0.25, ...(capture ? { capture } : {}) };
              const { attend, merge } = splitDecodeAttention(options, traits);
              return [attend, merge];
            }),
          ),
  },
  {
    name: 'captureReduce',
    build: (traits) =>
      [0, 3].map((mapSize) =>
        captureReduce({ batch: 2, layers: 3, heads: 4, mapLayers: 1, mapSize }, traits),
      ),
  },
];
