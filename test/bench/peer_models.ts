// Runs the peers bench's text model by our engine and by ONNX Runtime Web: a decode step over a cache that is filled with the same
// keys and values for both, and a prompt pass. A call writes its ids, runs, and reads the last row's logits back.

import type { GpuContext } from '../../src/gpu/device';
import { GpuScope } from '../../src/gpu/gpu_scope';
import { ReadbackRing } from '../../src/gpu/readback_ring';
import { cacheWords, unsharedCache } from '../../src/kernels/cache_shape';
import { packSampling, packStop } from '../../src/kernels/sampler';
import { packSequenceStates } from '../../src/kernels/sequence_words';
import { buildDecodeProgram } from '../../src/model/decode_program';
import { KvCache } from '../../src/model/kv_cache';
import { packPrompts } from '../../src/model/prompt_packing';
import { tracePrompt, writePrompt } from '../../src/model/prompt_program';
import { linearRopeTables } from '../../src/model/rope_index';
import { VisionLanguageModel } from '../../src/model/vision_language_model';
import { Program } from '../../src/tensor/program';
import { allocateTensor, writeTensor } from '../../src/tensor/tensor_memory';
import { onnxDecoder, type PeerPrecision } from './onnx_decoder';
import type { Ort, OrtSession, OrtTensor } from './ort';
import { type PeerTextModel, peerCache } from './peer_weights';

/** Something that answers ids with the logits of the last. */
export interface PeerCall {
  run(ids: readonly number[]): Promise<Float32Array>;
  destroy(): Promise<void> | void;
}

/** What a call does: one token over so many keys, or a prompt of so many tokens. */
export type PeerWork = { readonly keys: number } | { readonly prompt: number };

const capacityOf = (work: PeerWork): number => ('keys' in work ? work.keys + 1 : work.prompt);

/** [kvHeads, keys, headSize] in rows of `capacity` positions; the others stay zero. */
function spread(
  cells: Float32Array,
  heads: number,
  keys: number,
  capacity: number,
): Float32Array<ArrayBuffer> {
  const size = cells.length / (heads * keys);
  const all = new Float32Array(heads * capacity * size);
  for (let head = 0; head < heads; head++)
    all.set(cells.subarray(head * keys * size, (head + 1) * keys * size), head * capacity * size);
  return all;
}

/** Cells of a layer's cache with room for `work`. */
function filledCells({ spec }: PeerTextModel, layer: number, part: 'k' | 'v', work: PeerWork) {
  const heads = spec.text.numKeyValueHeads;
  const capacity = capacityOf(work);
  if (!('keys' in work)) return new Float32Array(heads * capacity * spec.text.headDim);
  return spread(peerCache(spec, layer, part, work.keys), heads, work.keys, capacity);
}

const GREEDY = packSampling({ temperature: 0 });

/** Our decode program over a cache; every call puts the sequence back to where it was. */
async function openOurDecoding(
  gpu: GpuContext,
  peer: PeerTextModel,
  model: VisionLanguageModel,
  work: { readonly keys: number },
) {
  const { text } = peer.spec;
  const capacity = capacityOf(work);
  const scope = new GpuScope(gpu);
  const { cacheFormat } = model.weights;
  const cache = scope.own(new KvCache(gpu, text, unsharedCache(1, capacity, cacheFormat)));
  for (const [layer, tensors] of cache.layers.entries())
    for (const part of ['k', 'v'] as const)
      writeTensor(gpu, tensors[part], cacheWords(filledCells(peer, layer, part, work), cacheFormat));
  const tables = linearRopeTables(0, capacity, text);
  const words = (name: string, shape: readonly number[]) => allocateTensor(scope, name, shape, 'u32');
  const state = {
    sequences: words('sequences', [1, 8]),
    sampling: words('sampling', [1, 8]),
    seen: words('seen', [1, Math.ceil(text.vocabSize / 32)]),
    stop: words('stop', [2]),
    ids: words('ids', [1]),
    cos: allocateTensor(scope, 'cos', [capacity, tables.width], 'f32'),
    sin: allocateTensor(scope, 'sin', [capacity, tables.width], 'f32'),
  };
  writeTensor(gpu, state.sampling, GREEDY);
  writeTensor(gpu, state.stop, packStop(0, []));
  writeTensor(gpu, state.cos, tables.cos);
  writeTensor(gpu, state.sin, tables.sin);
  const program = scope.own(
    await buildDecodeProgram(model.device, { batch: 1, cache, state, reach: 'greedy' }),
  );
  const none = { slot: 0, prefixSlot: 0, prefixLength: 0, generated: 0, done: 0 };
  const prepare = ([token = 0]: readonly number[]): void => {
    const at = { ...none, length: work.keys, position: work.keys, token };
    writeTensor(gpu, state.sequences, packSequenceStates([at]));
  };
  return { scope, program, prepare };
}

/** Our prompt pass; its keys and values go into a cache. */
async function openOurPrompt(
  gpu: GpuContext,
  peer: PeerTextModel,
  model: VisionLanguageModel,
  tokens: number,
) {
  const scope = new GpuScope(gpu);
  const shape = unsharedCache(1, tokens, model.weights.cacheFormat);
  const cache = scope.own(new KvCache(gpu, peer.spec.text, shape));
  const compiled = Program.compile(gpu, `prompt ${tokens}`, (trace) => {
    trace.output('logits', tracePrompt(trace, model.device, { tokens, batch: 1 }, { cache }));
  });
  const program = scope.own(await compiled);
  const prepare = (inputIds: readonly number[]): void => {
    const prompts = [{ inputIds, images: [] }];
    writePrompt(
      program,
      packPrompts(prompts, peer.spec, tokens, () => tokens, 1),
    );
  };
  return { scope, program, prepare };
}

/** Ours, with its weights. */
export async function openOurs(
  gpu: GpuContext,
  peer: PeerTextModel,
  precision: PeerPrecision,
  work: PeerWork,
): Promise<PeerCall & { readonly dispatches: number }> {
  const model = await VisionLanguageModel.load(gpu, peer.files(), { precision });
  const { scope, program, prepare } = await ('keys' in work
    ? openOurDecoding(gpu, peer, model, work)
    : openOurPrompt(gpu, peer, model, work.prompt));
  const ring = scope.own(new ReadbackRing(gpu, 4 * peer.spec.text.vocabSize, 1, 'logits'));
  return {
    dispatches: program.dispatches,
    run: async (ids) => {
      prepare(ids);
      const slot = ring.acquire();
      await program.run(undefined, (encoder) => slot.copy(encoder, [program.region('logits')]));
      return new Float32Array(await slot.take());
    },
    destroy: () => {
      scope.destroy();
      model.destroy();
    },
  };
}

/** Buffers of ONNX Runtime's device that hold the cache: a session reads them as the past and writes them as the present. */
function openCells(ort: Ort, device: GPUDevice, peer: PeerTextModel, work: PeerWork) {
  const { numHiddenLayers, numKeyValueHeads, headDim } = peer.spec.text;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const buffers: GPUBuffer[] = [];
  const [past, present]: Record<string, OrtTensor>[] = [{}, {}];
  for (let layer = 0; layer < numHiddenLayers; layer++)
    for (const part of ['k', 'v'] as const) {
      const cells = filledCells(peer, layer, part, work);
      const buffer = device.createBuffer({ size: cells.byteLength, usage });
      device.queue.writeBuffer(buffer, 0, cells);
      buffers.push(buffer);
      const options = {
        dataType: 'float32',
        dims: [1, numKeyValueHeads, capacityOf(work), headDim],
      } as const;
      past![`past.${layer}.${part}`] = ort.Tensor.fromGpuBuffer(buffer, options);
      present![`present.${layer}.${part}`] = ort.Tensor.fromGpuBuffer(buffer, options);
    }
  return { past: past!, present: present!, buffers };
}

/** Its attention of prompts is made for subgroups of at least so many. */
const SMALLEST_SUBGROUP = 8;
const LIMITS = [
  ...(['maxBufferSize', 'maxStorageBufferBindingSize', 'maxStorageBuffersPerShaderStage'] as const),
  ...(['maxComputeWorkgroupStorageSize', 'maxComputeInvocationsPerWorkgroup'] as const),
  ...(['maxComputeWorkgroupSizeX', 'maxComputeWorkgroupsPerDimension'] as const),
];

/**
 * A device without subgroups for prompts, where those of the adapter are smaller than ONNX Runtime's attention takes: its logits are
 * wrong there, and without subgroups it takes another kernel. Else undefined: it makes its own.
 */
async function deviceFor(work: PeerWork): Promise<GPUDevice | undefined> {
  const adapter = await navigator.gpu.requestAdapter();
  const { subgroupMaxSize = SMALLEST_SUBGROUP } = adapter?.info ?? {};
  if (!adapter || 'keys' in work || subgroupMaxSize >= SMALLEST_SUBGROUP) return undefined;
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  return adapter.requestDevice({ requiredLimits });
}

/** ONNX Runtime's, with its weights. */
export async function openOnnx(
  ort: Ort,
  peer: PeerTextModel,
  precision: PeerPrecision,
  work: PeerWork,
): Promise<PeerCall> {
  const graph = onnxDecoder(peer, precision, capacityOf(work));
  const given = await deviceFor(work);
  const executionProviders = [given ? { name: 'webgpu', device: given } : 'webgpu'];
  const session: OrtSession = await ort.InferenceSession.create(graph, { executionProviders });
  const cells = openCells(ort, given ?? (await ort.env.webgpu.device), peer, work);
  const one = (value: number): OrtTensor => new ort.Tensor('int32', Int32Array.of(value), [1]);
  const total = capacityOf(work);
  return {
    run: async (ids) => {
      const feeds = {
        ids: new ort.Tensor('int32', Int32Array.from(ids), [1, ids.length]),
        last: one(ids.length - 1),
        seqlens_k: one(total - 1),
        total_sequence_length: one(total),
        ...cells.past,
      };
      const { logits } = await session.run(feeds, { logits: null, ...cells.present });
      if (!logits) throw new Error('ONNX Runtime gave no logits.');
      return logits.getData();
    },
    destroy: async () => {
      await session.release();
      for (const buffer of cells.buffers) buffer.destroy();
    },
  };
}
