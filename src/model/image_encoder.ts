// Image features on the device, computed once per image and kept: what prompts, rollouts and training steps share.
// Not preprocessing. Images are told apart by identity: the same ImageInput object is the same image.
// Invariant: features of a batch lie in prompt order in a tensor that stays valid until the next call of its size.

import type { BufferRegion } from '../gpu/buffer_region';
import { ShapeError } from '../lib/errors';
import { regionOf, type Tensor } from '../tensor/trace';
import { bucketSize } from './buckets';
import { type ImageInput, packVision } from './prompt_packing';
import { allocateTensor, buildVisionProgram, type ModelOnDevice, type VisionProgram } from './prompt_program';

/** Features of a batch of images. */
export interface EncodedImages {
  /** [rows, hidden] f32; rows past the batch's are stale. */
  readonly features: Tensor;
  /** Padded rows, which name the tensor's size. */
  readonly rows: number;
}

const PATCH_UNIT = 12;
/** Features that are kept: enough for a few thousand small images or some dozens of large ones. */
const STORE_BYTES = 1 << 25;

function lcm(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y) [x, y] = [y, x % y];
  return (a / x) * b;
}

/** Runs the vision tower where it must and copies the rest. One batch at a time. */
export class ImageEncoder {
  readonly #model: ModelOnDevice;
  readonly #programs = new Map<number, VisionProgram>();
  readonly #batches = new Map<number, Tensor>();
  #store: Tensor | undefined;
  /** First row and number of rows in the store. Weak: pixels take far more room than their features. */
  #places = new WeakMap<ImageInput, readonly [number, number]>();
  #used = 0;

  constructor(model: ModelOnDevice) {
    this.#model = model;
  }

  /**
   * Features of the images, in order; undefined for none.
   * @throws ModelError `model/image` when pixels and grid disagree; the signal's reason when aborted
   */
  async encode(images: readonly ImageInput[], signal?: AbortSignal): Promise<EncodedImages | undefined> {
    if (images.length === 0) return undefined;
    const unit = this.#model.config.vision.spatialMergeSize ** 2;
    const patches = images.reduce((sum, image) => sum + patchesOf(image), 0);
    const rows = this.#bucket(patches) / unit;
    this.#reserve(patches / unit, images);
    const missing = [...new Set(images)].filter((image) => !this.#places.has(image));
    if (missing.length > 0) await this.#run(missing, unit, signal);
    return { features: this.#gather(images, rows), rows };
  }

  /** Frees everything. */
  destroy(): void {
    const { gpu } = this.#model;
    for (const program of this.#programs.values()) program.destroy();
    for (const tensor of [...this.#batches.values(), this.#store])
      if (tensor?.region) gpu.destroyBuffer(tensor.region.buffer);
    this.#programs.clear();
    this.#batches.clear();
    this.#places = new WeakMap();
    this.#store = undefined;
  }

  #bucket(patches: number): number {
    return bucketSize(patches, lcm(PATCH_UNIT, this.#model.config.vision.spatialMergeSize ** 2));
  }

  get #hidden(): number {
    return this.#model.config.vision.outHiddenSize;
  }

  /** Makes room for a batch: the store is emptied when it is full, and grows when a batch alone exceeds it. */
  #reserve(batchRows: number, images: readonly ImageInput[]): void {
    const { gpu } = this.#model;
    const capacity = this.#store?.shape[0] ?? 0;
    const known = images.every((image) => this.#places.has(image));
    if (known || this.#used + batchRows <= capacity) return;
    this.#places = new WeakMap();
    this.#used = 0;
    if (batchRows <= capacity) return;
    if (this.#store?.region) gpu.destroyBuffer(this.#store.region.buffer);
    const least = Math.floor(STORE_BYTES / (4 * this.#hidden));
    this.#store = allocateTensor(gpu, 'image store', [Math.max(least, 2 * batchRows), this.#hidden], 'f32');
  }

  async #run(images: readonly ImageInput[], unit: number, signal?: AbortSignal): Promise<void> {
    const { gpu, config } = this.#model;
    const patches = images.reduce((sum, image) => sum + patchesOf(image), 0);
    const padded = this.#bucket(patches);
    let built = this.#programs.get(padded);
    if (!built) {
      built = await buildVisionProgram(this.#model, padded);
      this.#programs.set(padded, built);
    }
    for (const [name, data] of Object.entries(packVision(images, config.vision, padded)))
      built.program.write(name, data);
    await built.program.run(signal);
    const encoder = gpu.device.createCommandEncoder();
    const rows = patches / unit;
    copyRows(
      encoder,
      regionOf(built.features),
      0,
      regionOf(this.#storeTensor),
      this.#used,
      rows,
      this.#hidden,
    );
    gpu.device.queue.submit([encoder.finish()]);
    for (const image of images) {
      const own = patchesOf(image) / unit;
      this.#places.set(image, [this.#used, own]);
      this.#used += own;
    }
  }

  get #storeTensor(): Tensor {
    if (!this.#store) throw new ShapeError('The image store is not allocated.');
    return this.#store;
  }

  #gather(images: readonly ImageInput[], rows: number): Tensor {
    const { gpu } = this.#model;
    let target = this.#batches.get(rows);
    if (!target) {
      target = allocateTensor(gpu, `image features ${rows}`, [rows, this.#hidden], 'f32');
      this.#batches.set(rows, target);
    }
    const encoder = gpu.device.createCommandEncoder();
    let at = 0;
    for (const image of images) {
      const [first, count] = this.#places.get(image) ?? [0, 0];
      copyRows(encoder, regionOf(this.#storeTensor), first, regionOf(target), at, count, this.#hidden);
      at += count;
    }
    gpu.device.queue.submit([encoder.finish()]);
    return target;
  }
}

function patchesOf({ gridThw: [t, h, w] }: ImageInput): number {
  return t * h * w;
}

function copyRows(
  encoder: GPUCommandEncoder,
  source: BufferRegion,
  sourceRow: number,
  target: BufferRegion,
  targetRow: number,
  rows: number,
  width: number,
): void {
  const stride = 4 * width;
  encoder.copyBufferToBuffer(
    source.buffer,
    source.offset + sourceRow * stride,
    target.buffer,
    target.offset + targetRow * stride,
    rows * stride,
  );
}
