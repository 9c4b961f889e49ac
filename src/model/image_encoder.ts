// Computes image features on the device once per image and keeps them: what prompts, rollouts and training steps
// share. Images are told apart by identity: the same ImageInput object is the same image. A batch's features lie in
// prompt order in a tensor that stays valid until the next call of its size.

import type { BufferRegion } from '../gpu/buffer_region';
import { GpuScope } from '../gpu/gpu_scope';
import { InvariantError } from '../lib/errors';
import { defined } from '../lib/invariant';
import { allocateTensor } from '../tensor/tensor_memory';
import { type StoredTensor, sizeAt } from '../tensor/trace';
import { bucketSize } from './buckets';
import { type ImageInput, packVision } from './prompt_packing';
import { buildVisionProgram, type ModelOnDevice, type VisionProgram } from './prompt_program';
import { featureRows } from './spec';

/** Features of a batch of images. */
export interface EncodedImages {
  /** [rows · featureRows, hidden] f32; rows past the batch's are stale. */
  readonly features: StoredTensor;
  /** Padded image tokens, which name the tensor's size. */
  readonly rows: number;
}

const PATCH_UNIT = 12;
/** Features that are kept: enough for a few thousand small images or some dozens of large ones. */
const STORE_BYTES = 1 << 25;

/** Patch rows that pass through the tower at once, unless one frame has more: its activations are some kilobytes a row. */
const ROWS_PER_RUN = 4096;

/** Rows of a store that takes at least a batch; twice that much where a batch alone exceeds the usual size. */
function storeRows(width: number, batchRows: number): number {
  return Math.max(Math.floor(STORE_BYTES / (4 * width)), 2 * batchRows);
}

function lcm(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y) [x, y] = [y, x % y];
  return (a / x) * b;
}

/** Runs the vision tower where it must and copies the rest. One batch at a time. */
export class ImageEncoder {
  readonly #model: ModelOnDevice;
  readonly #programs = new Map<number, VisionProgram>();
  readonly #batches = new Map<number, StoredTensor>();
  readonly #scope: GpuScope;
  #store: StoredTensor | undefined;
  /** First row and number of rows in the store. Weak: pixels take far more room than their features. */
  #places = new WeakMap<ImageInput, readonly [number, number]>();
  #used = 0;
  /** Of the weights that computed what is kept. */
  #revision = 0;
  readonly #rowsPerRun: number;

  /** @param rowsPerRun patch rows that pass through the tower at once */
  constructor(model: ModelOnDevice, rowsPerRun = ROWS_PER_RUN) {
    this.#model = model;
    this.#rowsPerRun = rowsPerRun;
    this.#scope = new GpuScope(model.gpu);
  }

  /**
   * Features of the images, in order; undefined for none.
   * @throws ModelError `model/image` when pixels and grid disagree; the signal's reason when aborted
   */
  async encode(images: readonly ImageInput[], signal?: AbortSignal): Promise<EncodedImages | undefined> {
    if (images.length === 0) return undefined;
    const unit = this.#model.config.vision.spatialMergeSize ** 2;
    const patches = patchesIn(images);
    const rows = this.#bucket(patches) / unit;
    this.#dropStale();
    this.#reserve(patches / unit, images);
    const missing = [...new Set(images)].filter((image) => !this.#places.has(image));
    if (missing.length > 0) await this.#run(missing, unit, signal);
    return { features: this.#gather(images, rows), rows };
  }

  /** Frees everything. */
  destroy(): void {
    this.#scope.destroy();
    this.#programs.clear();
    this.#batches.clear();
    this.#places = new WeakMap();
    this.#store = undefined;
  }

  #bucket(patches: number): number {
    return bucketSize(patches, lcm(PATCH_UNIT, this.#model.config.vision.spatialMergeSize ** 2));
  }

  /** Values of an image token's features, those of DeepStack included. */
  get #width(): number {
    const { connector } = this.#model.config;
    return featureRows(connector) * connector.outHiddenSize;
  }

  /** Forgets features that the weights would not give any more, as an adapter of the tower has another strength. */
  #dropStale(): void {
    const revision = this.#model.weights.revision?.('vision') ?? 0;
    if (revision === this.#revision) return;
    this.#revision = revision;
    this.#places = new WeakMap();
    this.#used = 0;
  }

  /** Makes room for a batch: the store is emptied when it is full, and grows when a batch alone exceeds it. */
  #reserve(batchRows: number, images: readonly ImageInput[]): void {
    const capacity = this.#store ? sizeAt(this.#store, 0) : 0;
    const known = images.every((image) => this.#places.has(image));
    if (known || this.#used + batchRows <= capacity) return;
    this.#places = new WeakMap();
    this.#used = 0;
    if (batchRows <= capacity) return;
    if (this.#store) this.#scope.free(this.#store.region.buffer);
    this.#store = undefined;
    const rows = storeRows(this.#width, batchRows);
    this.#store = allocateTensor(this.#scope, 'image store', [rows, this.#width], 'f32');
  }

  async #run(images: readonly ImageInput[], unit: number, signal?: AbortSignal): Promise<void> {
    let at = this.#used;
    for (const batch of batchesOf(images.flatMap(framesOf), this.#rowsPerRun)) {
      await this.#runBatch(batch, at, unit, signal);
      at += patchesIn(batch) / unit;
    }
    for (const image of images) {
      const own = patchesOf(image) / unit;
      this.#places.set(image, [this.#used, own]);
      this.#used += own;
    }
  }

  /** Runs the tower over frames, whose features go to the store from row `first` on. */
  async #runBatch(
    frames: readonly ImageInput[],
    first: number,
    unit: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const { gpu, config } = this.#model;
    const patches = patchesIn(frames);
    const padded = this.#bucket(patches);
    let built = this.#programs.get(padded);
    if (!built) {
      built = this.#scope.own(await buildVisionProgram(this.#model, padded));
      this.#programs.set(padded, built);
    }
    for (const [name, data] of Object.entries(packVision(frames, config, padded)))
      built.program.write(name, data);
    await built.program.run(signal);
    const [features, store] = [built.features.region, this.#storeTensor.region];
    gpu.submit((encoder) => {
      copyRows(encoder, features, 0, store, first, patches / unit, this.#width);
    });
  }

  get #storeTensor(): StoredTensor {
    if (!this.#store) throw new InvariantError('The image store is not allocated.');
    return this.#store;
  }

  #gather(images: readonly ImageInput[], rows: number): StoredTensor {
    const { gpu } = this.#model;
    let target = this.#batches.get(rows);
    if (!target) {
      const { connector } = this.#model.config;
      const shape = [rows * featureRows(connector), connector.outHiddenSize];
      target = allocateTensor(this.#scope, `image features ${rows}`, shape, 'f32');
      this.#batches.set(rows, target);
    }
    const places = images.map((image) => defined(this.#places.get(image), 'the place of a picture'));
    const [store, { region }] = [this.#storeTensor.region, target];
    gpu.submit((encoder) => {
      let at = 0;
      for (const [first, count] of places) {
        copyRows(encoder, store, first, region, at, count, this.#width);
        at += count;
      }
    });
    return target;
  }
}

function patchesOf({ gridThw: [t, h, w] }: ImageInput): number {
  return t * h * w;
}

function patchesIn(images: readonly ImageInput[]): number {
  return images.reduce((sum, image) => sum + patchesOf(image), 0);
}

/** Frames of an image as images of their own: attention never leaves a frame. */
function framesOf(image: ImageInput): ImageInput[] {
  const [frames, height, width] = image.gridThw;
  if (frames === 1) return [image];
  const values = image.pixelValues.length / frames;
  return Array.from({ length: frames }, (_, frame) => ({
    pixelValues: image.pixelValues.subarray(frame * values, (frame + 1) * values),
    gridThw: [1, height, width],
  }));
}

/** Runs of frames, in order, each of at most `rows` patch rows or of one frame. */
function batchesOf(frames: readonly ImageInput[], rows: number): ImageInput[][] {
  const batches: ImageInput[][] = [];
  let room = 0;
  for (const frame of frames) {
    const last = batches.at(-1);
    room -= patchesOf(frame);
    if (last && room >= 0) last.push(frame);
    else {
      batches.push([frame]);
      room = rows - patchesOf(frame);
    }
  }
  return batches;
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
