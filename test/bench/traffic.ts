// Counts what one decode step moves, from the bindings of its traced dispatches: bytes read and written, those of weights and
// of keys and values among them, and dispatches, in all and per layer. Nothing is allocated and no weight is read.

import { countingGpu } from '../../src/gpu/counting_gpu';
import type { DeviceTraits, GpuContext } from '../../src/gpu/device';
import { GpuScope } from '../../src/gpu/gpu_scope';
import { BYTES_PER_ELEMENT, type OperandSpec } from '../../src/gpu/kernel';
import { unsharedCache } from '../../src/kernels/cache_shape';
import { traceDecode } from '../../src/model/decode_program';
import { KvCache } from '../../src/model/kv_cache';
import { LoraAdapter, shapedModules, targetedModules } from '../../src/model/lora';
import { createSequenceState } from '../../src/model/session_state';
import type { ModelSpec } from '../../src/model/spec';
import type { WeightPrecision } from '../../src/model/weight_layout';
import { ModelWeights } from '../../src/model/weights';
import { DEFAULT_TRAIN_CONFIG } from '../../src/settings/train_settings';
import { planMemory } from '../../src/tensor/planner';
import { Trace, type TraceNode, wholeOf } from '../../src/tensor/trace';

/** What decodes. */
export interface TrafficOptions {
  readonly precision: WeightPrecision;
  readonly batch: number;
  /** Keys that every sequence sees. */
  readonly context: number;
  /** Record masses and maps of every layer, over so many image tokens; null records nothing. */
  readonly imageTokens: number | null;
  /** An adapter of this rank on all seven projections of every layer; null for none. */
  readonly rank: number | null;
}

/** What one decode step moves. */
export interface Traffic {
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Of the bytes read: those of the model's weights, and those of keys and values. */
  readonly weightBytes: number;
  readonly cacheBytes: number;
  readonly dispatches: number;
  readonly dispatchesPerLayer: number;
}

/** Counts a step of the model; nothing is allocated. Needs the constants of WebGPU. */
export async function decodeTraffic(
  traits: DeviceTraits,
  spec: ModelSpec,
  options: TrafficOptions,
): Promise<Traffic> {
  const nodes = await decodeNodes(traits, spec, options);
  const { numHiddenLayers } = spec.text;
  const shorter = { ...spec, text: { ...spec.text, numHiddenLayers: numHiddenLayers - 1 } };
  const dispatchesPerLayer = nodes.length - (await decodeNodes(traits, shorter, options)).length;
  return { ...moved(nodes), dispatches: nodes.length, dispatchesPerLayer };
}

async function decodeNodes(
  traits: DeviceTraits,
  spec: ModelSpec,
  { precision, batch, context, imageTokens, rank }: TrafficOptions,
): Promise<readonly TraceNode[]> {
  const { gpu } = countingGpu({ traits } as GpuContext);
  const base = await ModelWeights.reserve(gpu, spec, precision);
  const weights = rank === null ? base : adapterOf(gpu, spec, rank).applyTo(base);
  const cache = new KvCache(gpu, spec.text, unsharedCache(batch, context, base.cacheFormat));
  const state = createSequenceState(new GpuScope(gpu), spec, { batch, capacity: context });
  const layers = Array.from({ length: spec.text.numHiddenLayers }, (_, layer) => layer);
  const capture = imageTokens === null ? undefined : { mapLayers: layers, mapSize: imageTokens };
  const trace = new Trace(traits);
  traceDecode(trace, { gpu, config: spec, weights }, { batch, cache, state, capture, reach: 'greedy' });
  return planMemory(trace).nodes;
}

function adapterOf(gpu: GpuContext, spec: ModelSpec, r: number): LoraAdapter {
  const { loraAlpha, targetModules } = DEFAULT_TRAIN_CONFIG.lora;
  const config = { r, loraAlpha, useRslora: false, baseModel: '', targetModules };
  const weights = shapedModules(targetedModules(spec, targetModules), spec).map(
    ({ module, shape: [out, width] }) => ({
      module,
      a: new Float32Array(r * width),
      b: new Float32Array(out * r),
    }),
  );
  return LoraAdapter.create(gpu, config, spec, weights, false);
}

function moved(nodes: readonly TraceNode[]): Omit<Traffic, 'dispatches' | 'dispatchesPerLayer'> {
  const written = new Set<number>();
  const sums = { readBytes: 0, writtenBytes: 0, weightBytes: 0, cacheBytes: 0 };
  for (const { call, operands } of nodes) {
    operands.forEach((tensor, index) => {
      const operand = call.operands[index] as OperandSpec;
      const size = BYTES_PER_ELEMENT[operand.dtype];
      const bytes = (operand.touched ?? operand.count) * size;
      const { id, region } = wholeOf(tensor);
      const label = region?.buffer.label ?? '';
      const writes = operand.access === 'read_write';
      if (writes) sums.writtenBytes += bytes;
      // What is written a second time is added to, unless the call names the part that it writes.
      const reads = !writes || (written.has(id) && operand.touched === undefined);
      const read = reads ? bytes : (operand.readBeside ?? 0) * size;
      sums.readBytes += read;
      if (label.startsWith('weights')) sums.weightBytes += read;
      if (/^kv\.\d/.test(label)) sums.cacheBytes += read;
      if (writes) written.add(id);
    });
  }
  return sums;
}
