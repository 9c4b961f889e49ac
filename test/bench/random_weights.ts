// Makes a model of any shape whose random weights never pass through the host: the device writes them itself, from a hash of
// their places, in whatever format the precision keeps them. Benches use it where a checkpoint would be gigabytes.

import type { GpuContext } from '../../src/gpu/device';
import { type GpuScope, inPassingScope } from '../../src/gpu/gpu_scope';
import { type WeightFormat, weightPlanes } from '../../src/kernels/weight_format';
import type { ModelOnDevice } from '../../src/model/prompt_program';
import type { ModelSpec } from '../../src/model/spec';
import { type WeightGroup, type WeightPrecision, weightGroups } from '../../src/model/weight_layout';
import { expectedShapes, LM_HEAD } from '../../src/model/weight_names';
import { ModelWeights } from '../../src/model/weights';
import type { StoredTensor, Tensor } from '../../src/tensor/trace';

/** What benches read of a model; a loaded one is such a model, too. */
export interface BenchModel {
  readonly config: ModelSpec;
  readonly weights: ModelWeights;
  readonly device: ModelOnDevice;
}

/** A model with random weights. */
export interface RandomModel extends BenchModel {
  /** Frees the weights; what was built on them must be destroyed before. */
  destroy(): void;
}

/** Words of a plane: random where the mask has ones, else these bits. */
interface WordPattern {
  readonly mask: number;
  readonly bits: number;
}

const THREADS = 256;
const MAX_GROUPS = 4096;
/** u32 words: (hash of the place & mask) | bits. The hash is the mixer "lowbias32" of C. Wellons. */
const FILL = `
@group(0) @binding(0) var<storage, read_write> words: array<u32>;
@group(0) @binding(1) var<uniform> o: vec4u;
fn mix(place: u32) -> u32 {
  var x = place;
  x ^= x >> 16u; x *= 0x7feb352du;
  x ^= x >> 15u; x *= 0x846ca68bu;
  return x ^ (x >> 16u);
}
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < o.x; i += groups.x * ${THREADS}u) {
    words[i] = (mix(i * 0x9e3779b1u + o.y) & o.z) | o.w;
  }
}`;

/** Root mean square of a float with a random sign and fraction over the power of two of its exponent. */
const FRACTION_RMS = Math.sqrt(7 / 3);
/** Root mean squares of evenly drawn quants. */
const QUANT_RMS = { int8: 73.9, int4: 4.64 } as const;

/** Exponent of floats whose root mean square is `sigma` or up to half of it. */
const exponentOf = (sigma: number): number => Math.floor(Math.log2(sigma / FRACTION_RMS));
const twice = (half: number): number => ((half << 16) | half) >>> 0;

/** Patterns of a matrix's planes, for values of about `sigma` in size. */
export function wordPatterns(format: WeightFormat, sigma: number): readonly WordPattern[] {
  if (format === 'f32') return [{ mask: 0x807fffff, bits: (127 + exponentOf(sigma)) << 23 }];
  if (format === 'f16')
    return [{ mask: twice(0x83ff), bits: twice(Math.max(1, 15 + exponentOf(sigma)) << 10) }];
  if (format === 'bf16') return [{ mask: twice(0x807f), bits: twice((127 + exponentOf(sigma)) << 7) }];
  const scale = 127 + exponentOf(sigma / QUANT_RMS[format]);
  return [
    { mask: 0xffffffff, bits: 0 },
    { mask: twice(0x7f), bits: twice(scale << 7) },
  ];
}

/** Norms are 1, biases 0. */
function vectorPattern(name: string): WordPattern {
  return { mask: 0, bits: name.endsWith('.bias') ? 0 : 0x3f800000 };
}

/** A plane with what is to be written to it. */
interface Filling extends WordPattern {
  readonly tensor: Tensor;
}

function fillings(weights: ModelWeights, group: WeightGroup): Filling[] {
  const { name, role, shape, format } = group;
  const [rows, width = 1] = shape;
  const sigma = 1 / Math.sqrt(width);
  if (role === 'vector') {
    const pattern = shape.length === 1 ? vectorPattern(name) : wordPatterns('f32', sigma)[0];
    return pattern ? [{ ...pattern, tensor: weights.vector(name) }] : [];
  }
  const patterns = wordPatterns(format, sigma);
  if (patterns.length !== weightPlanes(format, width).length || rows < 1)
    throw new Error(`No pattern for the ${format} planes of ${name}.`);
  return weights
    .matrix(name)
    .shards.flatMap(({ planes }) => planes.map((tensor, plane) => ({ ...patterns[plane]!, tensor })));
}

/** Writes all planes in one submit. */
async function fill(scope: GpuScope, all: readonly Filling[]): Promise<void> {
  const { gpu } = scope;
  const { device } = gpu;
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code: FILL }) },
  });
  const layout = pipeline.getBindGroupLayout(0);
  const work = all.map(({ tensor, mask, bits }, seed) => {
    const { buffer, offset, bytes } = (tensor as StoredTensor).region;
    const count = Math.ceil(bytes / 4);
    const settings = scope.buffer(16, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST, 'fill settings');
    gpu.write(settings, 0, Uint32Array.of(count, seed * 0x10001, mask, bits));
    const entries = [
      { binding: 0, resource: { buffer, offset, size: 4 * count } },
      { binding: 1, resource: { buffer: settings } },
    ];
    return {
      group: device.createBindGroup({ layout, entries }),
      groups: Math.min(MAX_GROUPS, Math.ceil(count / THREADS)),
    };
  });
  gpu.submit((encoder) => {
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    for (const { group, groups } of work) {
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(groups);
    }
    pass.end();
  });
  await gpu.fence();
}

/**
 * Places a model's weights and lets the device draw them, in sizes that keep activations near 1.
 * @throws GpuError where they do not fit the device
 */
export async function randomModel(
  gpu: GpuContext,
  config: ModelSpec,
  precision: WeightPrecision,
): Promise<RandomModel> {
  const weights = await ModelWeights.reserve(gpu, config, precision);
  try {
    const shapes = [...expectedShapes(config)].filter(
      ([name]) => !(config.tieWordEmbeddings && name === LM_HEAD),
    );
    const tensors = new Map(shapes.map(([name, shape]) => [name, { dtype: 'BF16' as const, shape }]));
    const sources = new Map(shapes.map(([name]) => [name, name]));
    const groups = weightGroups(config, tensors, sources, precision);
    await inPassingScope(gpu, (scope) =>
      fill(
        scope,
        groups.flatMap((group) => fillings(weights, group)),
      ),
    );
  } catch (error) {
    weights.destroy();
    throw error;
  }
  return { config, weights, device: { gpu, config, weights }, destroy: () => weights.destroy() };
}
