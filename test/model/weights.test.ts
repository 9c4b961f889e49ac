// The real sizes of the families on a device of the least limits: how its weights are cut, what they take, and that every
// operand of a traced prompt, of its log-probabilities and of their reverse fits a binding. Nothing runs on a device; what
// loading writes to one is recorded.

import { describe, expect, it, vi } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { weightPlanes } from '../../src/kernels/weight_format';
import { bf16ToF32 } from '../../src/lib/float_bits';
import { openCheckpoint } from '../../src/model/checkpoint';
import { parseModelConfig } from '../../src/model/config';
import { normalise } from '../../src/model/language_model';
import { modalityProjector } from '../../src/model/modality_projector';
import { tracePrompt } from '../../src/model/prompt_program';
import { quantiseRows } from '../../src/model/quantization';
import {
  type ByteSource,
  memorySource,
  parseSafetensors,
  type TensorData,
  writeSafetensors,
} from '../../src/model/safetensors';
import { featureRows, type ModelSpec } from '../../src/model/spec';
import { visionTransformer } from '../../src/model/vision_transformer';
import { type WeightPrecision, weightGroups } from '../../src/model/weight_layout';
import { embeddingName, expectedShapes, LM_HEAD } from '../../src/model/weight_names';
import { ModelWeights, type WeightSource } from '../../src/model/weights';
import { backward } from '../../src/tensor/autodiff';
import { tokenLogps } from '../../src/tensor/ops/token_logp';
import { externalTensor, type StoredTensor, type Tensor, Trace, tensorBytes } from '../../src/tensor/trace';
import { shardRows, type Weight } from '../../src/tensor/weight';
import { LEAST_TRAITS } from '../harness/device_traits';
import { loadFixture, loadFixtureJson } from '../harness/fixture';
import { REAL_CONFIGS } from './families/real_configs';

/** Weights without memory, cut as loading cuts them, and their bytes. */
function fakeWeights(
  config: ModelSpec,
  precision: WeightPrecision,
): { weights: WeightSource; bytes: number } {
  const shapes = expectedShapes(config);
  if (config.tieWordEmbeddings) shapes.delete(LM_HEAD);
  const tensors = new Map([...shapes].map(([name, shape]) => [name, { dtype: 'BF16' as const, shape }]));
  const sources = new Map([...shapes.keys()].map((name) => [name, name]));
  const vectors = new Map<string, StoredTensor>();
  const matrices = new Map<string, Weight>();
  let bytes = 0;
  const tensor = (name: string, shape: readonly number[], dtype: StoredTensor['dtype']): StoredTensor => {
    const size = tensorBytes({ shape, dtype });
    bytes += size;
    return externalTensor(name, shape, dtype, { buffer: {} as GPUBuffer, offset: 0, bytes: size });
  };
  for (const { name, shape, format, role } of weightGroups(config, tensors, sources, precision)) {
    const [rows, width] = shape;
    if (width === undefined || role === 'vector') {
      vectors.set(name, tensor(name, shape, 'f32'));
      continue;
    }
    const shards = shardRows(name, format, [rows, width], LEAST_TRAITS.maxBindingBytes).map((shard) => ({
      ...shard,
      planes: weightPlanes(format, width).map(({ dtype, columns }) =>
        tensor(name, [shard.rows, columns], dtype),
      ),
    }));
    matrices.set(name, { name, shape: [rows, width], format, shards, requiresGrad: false });
  }
  if (config.tieWordEmbeddings) matrices.set(LM_HEAD, matrices.get(embeddingName(config.text))!);
  const weights = {
    cacheFormat: 'f32' as const,
    vector: (name: string) => vectors.get(name)!,
    matrix: (name: string) => matrices.get(name)!,
  };
  return { weights, bytes };
}

function largestOperand(trace: Trace): number {
  return Math.max(...trace.nodes.flatMap(({ operands }) => operands.map(tensorBytes)));
}

describe('models at their real sizes, in bindings of 128 MiB', () => {
  it.each([
    // Values of the text layers, the vocabulary and the vision tower: 2.77, 0.31 and 0.67 thousand million in 3B; 6.53,
    // 1.09 and 0.68 in 7B. Text has 4.5 bits, the rest 8.5.
    ['Qwen2.5-VL-3B', 'int4', 2.61e9, 3],
    ['Qwen2.5-VL-7B', 'int4', 5.55e9, 5],
    ['Qwen2.5-VL-3B', 'bf16', 7.51e9, 5],
    ['Qwen2.5-VL-7B', 'bf16', 16.59e9, 9],
    // 1.31, 0.23 and 0.67 thousand million; 1.41, 0.31 and 0.41, of which 2.4 million are positions in f32.
    ['Qwen2-VL-2B', 'int4', 1.69e9, 2],
    ['Qwen3-VL-2B', 'int4', 1.56e9, 3],
  ] as const)('%s in %s takes %d bytes, the head %i shards', (model, precision, bytes, headShards) => {
    const config = parseModelConfig(REAL_CONFIGS[model]!.json);
    const { weights, bytes: total } = fakeWeights(config, precision);
    expect(Math.abs(total / bytes - 1)).toBeLessThan(0.01);
    expect(weights.matrix(LM_HEAD).shards).toHaveLength(headShards);
    const gpu = undefined as never;
    const prompt = new Trace(LEAST_TRAITS);
    const shape = [128 * featureRows(config.connector), config.connector.outHiddenSize];
    const region = { buffer: {} as GPUBuffer, offset: 0, bytes: 4 * shape[0]! * shape[1]! };
    const features = externalTensor('features', shape, 'f32', region);
    const parts = { features };
    prompt.output('logits', tracePrompt(prompt, { gpu, config, weights }, { tokens: 512, batch: 1 }, parts));
    expect(largestOperand(prompt)).toBeLessThanOrEqual(LEAST_TRAITS.maxBindingBytes);

    const vision = new Trace(LEAST_TRAITS);
    const rows = 128 * config.vision.spatialMergeSize ** 2;
    const x = visionTransformer(vision, config.vision, weights, rows);
    modalityProjector(vision, config, weights, x, features);
    expect(largestOperand(vision)).toBeLessThanOrEqual(LEAST_TRAITS.maxBindingBytes);

    const training = new Trace(LEAST_TRAITS);
    const hidden = training.input('hidden', [64, config.text.hiddenSize], 'f32', true);
    const labels = training.input('labels', [64], 'i32');
    const normed = normalise(training, config.text, weights, hidden);
    const { logp } = tokenLogps(training, normed, weights.matrix(LM_HEAD), labels);
    const [dHidden] = backward(training, [[logp, training.input('dlogp', [64])]], [hidden]);
    training.output('dHidden', dHidden!);
    expect(largestOperand(training)).toBeLessThanOrEqual(LEAST_TRAITS.maxBindingBytes);
  });
});

/** A device that keeps what is written, and counts how often each byte is. */
function recordingGpu(maxBindingBytes: number) {
  const buffers = new Map<GPUBuffer, { data: Uint8Array; writes: Uint8Array }>();
  const createBuffer = (bytes: number): GPUBuffer => {
    const buffer = {} as GPUBuffer;
    buffers.set(buffer, { data: new Uint8Array(bytes), writes: new Uint8Array(bytes) });
    return buffer;
  };
  const write = (buffer: GPUBuffer, offset: number, bytes: Uint8Array): void => {
    const { data, writes } = buffers.get(buffer)!;
    data.set(bytes, offset);
    for (let i = offset; i < offset + bytes.length; i++) writes[i] = writes[i]! + 1;
  };
  const traits = { ...LEAST_TRAITS, maxBindingBytes };
  const gpu = { traits, createBuffer, write, destroyBuffer: () => undefined, fence: async () => undefined };
  const read = (tensor: Tensor) => {
    const { buffer, offset } = tensor.region!;
    const end = offset + tensorBytes(tensor);
    const { data, writes } = buffers.get(buffer)!;
    return { data: data.subarray(offset, end), writes: writes.subarray(offset, end) };
  };
  return { gpu: gpu as unknown as GpuContext, read };
}

/** The tiny fixture with a vocabulary whose matrices are more than a piece of 16 MiB as f32. */
async function wideCheckpoint(rows: number) {
  const folder = 'tiny-qwen2_5_vl';
  const json = (await loadFixtureJson(`${folder}/config.json`)) as { text_config: { vocab_size: number } };
  json.text_config.vocab_size = rows;
  const tiny = await parseSafetensors('tiny', await loadFixture(`${folder}/model.safetensors`));
  const bits = new Uint16Array(rows * 96);
  for (let i = 0; i < bits.length; i++) bits[i] = 0x3c00 + ((i * 7919) % 1021);
  const tensors: TensorData[] = [];
  for (const [name, { dtype, shape }] of tiny.tensors) {
    const wide = /embed_tokens|lm_head/.test(name);
    const bytes = wide ? new Uint8Array(bits.buffer) : await tiny.read(name);
    tensors.push({ name, dtype, shape: wide ? [rows, 96] : shape, bytes });
  }
  const source = memorySource('model.safetensors', writeSafetensors(tensors));
  const reads: number[] = [];
  const read: ByteSource['read'] = (begin, end) => {
    reads.push(end - begin);
    return source.read(begin, end);
  };
  const open = async (name: string) => (name === source.name ? { ...source, read } : null);
  return { config: parseModelConfig(json), checkpoint: await openCheckpoint({ open }), reads, bits };
}

describe('a checkpoint with matrices larger than a piece', () => {
  it.each([2 ** 27, 1_000_000])('arrives whole, each byte once, in bindings of %i', async (binding) => {
    vi.stubGlobal('GPUBufferUsage', { STORAGE: 1, COPY_DST: 2, COPY_SRC: 4 });
    const { config, checkpoint, reads, bits } = await wideCheckpoint(45_000);
    const { gpu, read } = recordingGpu(binding);
    reads.length = 0;
    const weights = await ModelWeights.load(gpu, config, checkpoint, { precision: 'int4' });
    vi.unstubAllGlobals();
    // 16 MiB as f32 are half of it as bf16.
    expect(Math.max(...reads)).toBeLessThanOrEqual(2 ** 23);
    const { shards, format } = weights.matrix(embeddingName(config.text));
    expect(shards.length).toBe(binding === 2 ** 27 ? 1 : 5);
    const whole = quantiseRows(bf16ToF32(bits), 96, format as 'int8')!;
    [whole.quants, whole.scales].forEach((wanted, plane) => {
      const parts = shards.map(({ planes }) => read(planes[plane]!));
      expect(parts.every(({ writes }) => writes.every((count) => count === 1))).toBe(true);
      const got = Buffer.concat(parts.map(({ data }) => data));
      expect(got.equals(Buffer.from(wanted.buffer))).toBe(true);
    });
    const { planes } = weights.matrix('model.language_model.layers.0.self_attn.qkv_proj.weight').shards[0]!;
    for (const plane of planes) expect(read(plane).writes.every((count) => count === 1)).toBe(true);
  });
});
