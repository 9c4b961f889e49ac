// Measures one GEMM on the device at hand, in a page or in Node: time per product and a check of what came out.
// Nothing is reported that was not checked.

import type { GpuContext } from '../../src/gpu/device';
import type { KernelCall } from '../../src/gpu/kernel';
import { type GemmOptions, gemm } from '../../src/kernels/gemm';

/** Times of one product; milliseconds are medians over samples of at least 20 ms. */
export interface GemmTiming {
  readonly variant: string;
  /** Each product submitted and its result read back before the next: what one call costs an application. */
  readonly readBackMs: number;
  /** Many products in one submit: the kernel by itself. */
  readonly queuedMs: number;
  /** First use of the pipeline until it exists. */
  readonly compileMs: number;
  /** Largest error of 256 sampled outputs over the sum of |a·b|, in units of f32 rounding (2^-24). */
  readonly roundings: number;
}

const SAMPLE_MS = 20;
const SAMPLES = 9;

/**
 * Runs one product on random operands. Packed weights get random bf16 patterns near 1.
 * @throws Error when a sampled output is further from its f64 value than K roundings
 */
export async function measureGemm(gpu: GpuContext, o: GemmOptions, variant?: string): Promise<GemmTiming> {
  const call = gemm(o, gpu.traits, variant);
  const start = performance.now();
  const compiled = await gpu.pipelines.get(call.kernel);
  const compileMs = performance.now() - start;
  const random = (count: number) => Float32Array.from({ length: count }, () => Math.random() - 0.5);
  const a = random(o.m * o.k);
  const b = o.weight === 'f32' ? random(o.n * o.k) : Float32Array.from(random(o.n * o.k), toBf16);
  const stored = o.weight === 'f32' ? b : pack(b);
  const buffers = [upload(gpu, a), upload(gpu, stored), upload(gpu, new Float32Array(o.m * o.n))];
  const params = upload(gpu, call.params ?? new Uint32Array(4), GPUBufferUsage.UNIFORM);
  const staging = gpu.createBuffer(
    o.m * o.n * 4,
    GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    'staging',
  );
  const entries = [...buffers, params].map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = gpu.device.createBindGroup({ layout: compiled.layout, entries });
  const once = (repeats: number) =>
    runOnce(gpu, call, compiled.pipeline, group, buffers[2]!, staging, repeats);

  const roundings = worstError(o, a, b, await once(1));
  const readBackMs = await medianMs(async (count) => {
    for (let i = 0; i < count; i++) await once(1);
  });
  const queuedMs = await medianMs(async (count) => {
    await once(count);
  });
  for (const buffer of [...buffers, params, staging]) gpu.destroyBuffer(buffer);
  await gpu.fence();
  return { variant: call.kernel.name, readBackMs, queuedMs, compileMs, roundings };
}

async function runOnce(
  gpu: GpuContext,
  call: KernelCall,
  pipeline: GPUComputePipeline,
  group: GPUBindGroup,
  output: GPUBuffer,
  staging: GPUBuffer,
  repeats: number,
): Promise<Float32Array> {
  const encoder = gpu.device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  for (let i = 0; i < repeats; i++) pass.dispatchWorkgroups(...call.grid);
  pass.end();
  encoder.copyBufferToBuffer(output, 0, staging, 0, staging.size);
  gpu.device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const result = new Float32Array(staging.getMappedRange().slice(0));
  staging.unmap();
  return result;
}

/** Median over samples of `work(count)`, per unit, with `count` grown until a sample lasts long enough. */
async function medianMs(work: (count: number) => Promise<void>): Promise<number> {
  const time = async (count: number) => {
    const start = performance.now();
    await work(count);
    return performance.now() - start;
  };
  let count = 1;
  for (let took = await time(count); took < SAMPLE_MS; took = await time(count)) {
    count = Math.ceil(count * Math.min(8, (1.3 * SAMPLE_MS) / Math.max(took, 0.01)));
  }
  const samples: number[] = [];
  while (samples.length < SAMPLES) samples.push((await time(count)) / count);
  return samples.sort((x, y) => x - y)[SAMPLES >> 1]!;
}

function worstError(o: GemmOptions, a: Float32Array, b: Float32Array, c: Float32Array): number {
  let worst = 0;
  for (let sample = 0; sample < 256; sample++) {
    const row = Math.floor(Math.random() * o.m);
    const column = Math.floor(Math.random() * o.n);
    let sum = 0;
    let scale = 0;
    for (let k = 0; k < o.k; k++) {
      const left = a[o.mode === 'tn' ? k * o.m + row : row * o.k + k]!;
      const right = b[o.mode === 'nt' ? column * o.k + k : k * o.n + column]!;
      sum += left * right;
      scale += Math.abs(left * right);
    }
    const roundings = Math.abs(c[row * o.n + column]! - sum) / (scale * 2 ** -24);
    if (!(roundings <= o.k))
      throw new Error(`GEMM is wrong at row ${row}, column ${column}: off by ${roundings} roundings.`);
    worst = Math.max(worst, roundings);
  }
  return worst;
}

/** Rounds towards zero to a bf16 value. */
function toBf16(value: number): number {
  const words = new Uint32Array(new Float32Array([value]).buffer);
  words[0]! &= 0xffff0000;
  return new Float32Array(words.buffer)[0]!;
}

function pack(values: Float32Array): Uint32Array {
  const halves = new Uint16Array(Math.ceil(values.length / 2) * 2);
  const words = new Uint32Array(values.buffer);
  for (let i = 0; i < values.length; i++) halves[i] = words[i]! >>> 16;
  return new Uint32Array(halves.buffer);
}

function upload(
  gpu: GpuContext,
  data: Float32Array | Uint32Array,
  usage = GPUBufferUsage.STORAGE,
): GPUBuffer {
  const all = usage | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const buffer = gpu.createBuffer(data.byteLength, all, 'operand');
  gpu.device.queue.writeBuffer(buffer, 0, data as Float32Array<ArrayBuffer>);
  return buffer;
}
