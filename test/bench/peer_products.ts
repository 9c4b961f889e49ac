// Multiplies as a decoder layer does, by us and by ONNX Runtime Web in turns, over the same weights and inputs. Each call writes
// its input, runs, and reads its result back; results of both are compared with sums in f64.

import type { GpuContext } from '../../src/gpu/device';
import { GpuScope } from '../../src/gpu/gpu_scope';
import { BYTES_PER_ELEMENT } from '../../src/gpu/kernel';
import { gemm } from '../../src/kernels/gemm';
import { createPrng } from '../../src/lib/prng';
import { onnxBits } from './onnx_bits';
import { type OnnxProduct, onnxProduct } from './onnx_graph';
import type { Ort } from './ort';
import { transposed } from './peer_weights';
import { inTurns, type PeerTimes } from './turns';

/** A linear layer's product: rows [m, k] by weights [n, k]. */
export interface PeerProduct {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly weight: 'f32' | 'int4';
}

/** Times of both, and how far the results are off. */
export interface ProductTimes extends PeerTimes {
  readonly variant: string;
  /** Largest difference from f64 over the sum of |a·b|, of sampled outputs. */
  readonly error: { readonly ours: number; readonly peer: number };
}

/** Something that multiplies. */
interface Multiplier {
  run(x: Float32Array): Promise<Float32Array>;
  destroy(): Promise<void>;
}

const SAMPLED = 64;

/** Weights as we keep them, as ONNX Runtime does, and what they stand for. */
interface Weights {
  readonly planes: readonly (Float32Array | Uint32Array)[];
  readonly onnx: Pick<OnnxProduct, 'op' | 'domain' | 'attributes' | 'constants'>;
  readonly values: Float32Array;
}

function plainWeights(values: Float32Array, n: number, k: number): Weights {
  const constants = [{ name: 'w', shape: [k, n], data: transposed(values, n, k) }];
  return { planes: [values], values, onnx: { op: 'MatMul', domain: '', attributes: {}, constants } };
}

function int4Weights(source: Float32Array, n: number, k: number): Weights {
  const { planes, values, quants, scales, attributes } = onnxBits(source, k, 4);
  const groups = k / attributes.block_size;
  return {
    ...{ planes, values },
    onnx: {
      ...{ op: 'MatMulNBits', domain: 'com.microsoft', attributes },
      constants: [
        { name: 'w', shape: [n, groups, attributes.block_size / 2], data: quants },
        { name: 's', shape: [n * groups], data: scales },
      ],
    },
  };
}

/** One buffer for each operand, one submit and one read for each call. */
async function openOurs(
  gpu: GpuContext,
  { m, n, k, weight }: PeerProduct,
  { planes }: Weights,
): Promise<Multiplier & { readonly variant: string }> {
  const call = gemm({ m, n, k, mode: 'nt', weight }, gpu.traits);
  const compiled = await gpu.pipelines.get(call.kernel);
  const scope = new GpuScope(gpu);
  const buffers = call.operands.map(
    ({ name, dtype, count }) => scope.storage(count * BYTES_PER_ELEMENT[dtype], name).buffer,
  );
  for (const [index, plane] of planes.entries()) gpu.write(buffers[1 + index] as GPUBuffer, 0, plane);
  const entries: GPUBindGroupEntry[] = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  if (call.params) {
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const buffer = scope.buffer(call.params.byteLength, usage, 'params');
    gpu.write(buffer, 0, call.params);
    entries.push({ binding: entries.length, resource: { buffer } });
  }
  const group = gpu.bindGroup({ layout: compiled.layout, entries });
  const staging = scope.buffer(4 * m * n, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST, 'staging');
  return {
    variant: call.kernel.name,
    run: async (x) => {
      gpu.write(buffers[0] as GPUBuffer, 0, x);
      gpu.submit((encoder) => {
        const pass = encoder.beginComputePass();
        pass.setPipeline(compiled.pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(...call.grid);
        pass.end();
        encoder.copyBufferToBuffer(buffers.at(-1) as GPUBuffer, 0, staging, 0, 4 * m * n);
      });
      await staging.mapAsync(GPUMapMode.READ);
      const result = new Float32Array(staging.getMappedRange().slice(0));
      staging.unmap();
      return result;
    },
    destroy: async () => scope.destroy(),
  };
}

async function openOnnx(ort: Ort, { m, n, k }: PeerProduct, { onnx }: Weights): Promise<Multiplier> {
  const model = onnxProduct({ ...onnx, input: [m, k], output: [m, n] });
  const session = await ort.InferenceSession.create(model, { executionProviders: ['webgpu'] });
  return {
    run: async (x) => {
      const { y } = await session.run({ x: new ort.Tensor('float32', x, [m, k]) });
      if (!y) throw new Error('ONNX Runtime gave no result.');
      return y.getData();
    },
    destroy: () => session.release(),
  };
}

/** Largest difference of sampled outputs from their sums in f64, over the sums of magnitudes. */
function errorOf(
  { m, n, k }: PeerProduct,
  x: Float32Array,
  values: Float32Array,
  result: Float32Array,
): number {
  if (result.length !== m * n) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let sample = 0; sample < SAMPLED; sample++) {
    const at = (Math.imul(sample, 0x9e3779b1) >>> 0) % (m * n);
    const [row, column] = [Math.floor(at / n), at % n];
    let [sum, size] = [0, 0];
    for (let i = 0; i < k; i++) {
      const product = (x[row * k + i] as number) * (values[column * k + i] as number);
      sum += product;
      size += Math.abs(product);
    }
    worst = Math.max(worst, Math.abs((result[at] as number) - sum) / size);
  }
  return worst;
}

/** One product by both. */
export async function measureProduct(
  gpu: GpuContext,
  ort: Ort,
  product: PeerProduct,
  rounds: number,
): Promise<ProductTimes> {
  const { m, n, k, weight } = product;
  const prng = createPrng(m + n + k);
  const random = (count: number): Float32Array =>
    Float32Array.from({ length: count }, () => prng.uniform(-1, 1));
  const source = random(n * k);
  const weights = weight === 'f32' ? plainWeights(source, n, k) : int4Weights(source, n, k);
  const x = random(m * k);
  const ours = await openOurs(gpu, product, weights);
  const peer = await openOnnx(ort, product, weights);
  const error = {
    ours: errorOf(product, x, weights.values, await ours.run(x)),
    peer: errorOf(product, x, weights.values, await peer.run(x)),
  };
  const times = await inTurns({ ours: () => ours.run(x), peer: () => peer.run(x) }, rounds);
  await ours.destroy();
  await peer.destroy();
  return { ...times, error, variant: ours.variant };
}
