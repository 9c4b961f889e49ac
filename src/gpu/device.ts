// Acquires a WebGPU device with the limits the engine can use, and watches it for uncaptured errors and loss. It runs
// unchanged on a page, in a Worker and in Node (pass the `GPU` object). An uncaptured error never goes unnoticed: the
// next fence throws it.

import { GpuError } from '../lib/errors';
import { Interruption } from '../lib/interruption';
import { createCounters, type GpuCounters } from './counters';
import { PipelineCache, type Pipelines } from './pipeline_cache';
import { SubmitPace } from './submit_pace';

/** What decides which kernel variants may run here. */
export interface DeviceTraits {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** True for CPU rasterisers (SwiftShader, lavapipe, WARP): other tables, longer submits, labelled on the page. */
  readonly software: boolean;
  readonly shaderF16: boolean;
  readonly subgroups: boolean;
  readonly timestampQuery: boolean;
  readonly maxBindingBytes: number;
  readonly maxBufferBytes: number;
  readonly maxWorkgroupBytes: number;
  readonly maxInvocations: number;
  readonly maxStorageBuffers: number;
  /** Kernel variants found wrong on this device; grows, never shrinks. */
  readonly disabledVariants: Set<string>;
}

/** Host values that a buffer takes. */
export type HostValues = Float32Array | Uint32Array | Int32Array | Uint16Array | Uint8Array;

/** What a device says of its end. */
export interface DeviceLoss {
  /** Resolves once, with the reason, when the device is gone; `destroyed` is our own doing. */
  readonly lost: Promise<GPUDeviceLostInfo>;
  /** True from the moment the loss was seen. */
  readonly isLost: () => boolean;
  /**
   * Waits for `work`, but no longer than the device lives: work on a lost device may never settle. Whatever a call on a
   * lost device complains about, the loss is the reason.
   * @throws GpuError `gpu/device-lost`; what `work` throws
   */
  untilLost<T>(work: Promise<T>): Promise<T>;
}

/**
 * A device with everything that must live as long as it does. What makes and runs programs uses it only through the
 * functions below, so that `counting_gpu.ts` can stand in for it.
 */
export interface GpuContext extends DeviceLoss {
  /** The device itself, for profiles, trial allocations and tests. */
  readonly device: GPUDevice;
  readonly traits: DeviceTraits;
  readonly counters: GpuCounters;
  readonly pipelines: Pipelines;
  /** How much work a submit may hold here. */
  readonly pace: SubmitPace;
  /** Kernel sources whose results were compared with a reference on this device, with their names. */
  readonly verified: Map<string, string>;
  /**
   * Makes a buffer and counts it.
   * @throws GpuError `gpu/limit` when `bytes` exceeds the device's largest buffer
   */
  createBuffer(bytes: number, usage: GPUBufferUsageFlags, label: string): GPUBuffer;
  /** Destroys a buffer made here. Safe after loss. */
  destroyBuffer(buffer: GPUBuffer): void;
  /** Makes a bind group and counts it. */
  bindGroup(descriptor: GPUBindGroupDescriptor): GPUBindGroup;
  /** Writes host values into a buffer from a byte offset on, at queue order. */
  write(buffer: GPUBuffer, offset: number, data: HostValues): void;
  /** Encodes commands and submits them without waiting. */
  submit(encode: (encoder: GPUCommandEncoder) => void): void;
  /**
   * Copies the first bytes of a staging buffer to the host once all work before is done, and unmaps it.
   * @throws as {@link GpuContext.check}
   */
  read(staging: GPUBuffer, bytes: number): Promise<ArrayBuffer>;
  /** Waits for all submitted work and throws the first uncaptured error or the loss since the last fence. */
  fence(): Promise<void>;
  /** Throws the first uncaptured error or the loss since the last fence, without waiting. */
  check(): void;
  destroy(): void;
}

/** What to ask of the adapter. */
export interface AcquireOptions {
  readonly gpu?: GPU | undefined;
  readonly powerPreference?: GPUPowerPreference;
  /** Toggles and other Dawn extras are set on the `GPU` object by the caller. */
  readonly label?: string;
}

const FLOOR = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupStorageSize: 16384,
  maxStorageBufferBindingSize: 134217728,
} as const;

const RAISED = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxStorageBuffersPerShaderStage',
] as const;

const OPTIONAL_FEATURES = ['shader-f16', 'subgroups', 'timestamp-query'] as const;

/**
 * Requests an adapter and a device, with every optional feature the engine knows and the adapter's own limits.
 * @throws GpuError `gpu/unavailable` without WebGPU, `gpu/no-adapter` when none answers,
 *   `gpu/limit` naming the limit, its value and the need when the adapter is below the floor
 */
export async function acquireDevice(options: AcquireOptions = {}): Promise<GpuContext> {
  const gpu = options.gpu ?? (globalThis.navigator as Navigator | undefined)?.gpu;
  if (!gpu)
    throw new GpuError(
      'gpu/unavailable',
      'This environment has no WebGPU. Use a recent Chrome, Edge, Safari or Firefox.',
    );
  const adapter = await gpu.requestAdapter({
    powerPreference: options.powerPreference ?? 'high-performance',
  });
  if (!adapter) {
    throw new GpuError(
      'gpu/no-adapter',
      'WebGPU is here, but no graphics adapter answered. Check that hardware acceleration is on.',
    );
  }
  checkFloor(adapter.limits);
  const requiredLimits: Record<string, number> = {};
  for (const name of RAISED) requiredLimits[name] = adapter.limits[name];
  const requiredFeatures = OPTIONAL_FEATURES.filter((feature) => adapter.features.has(feature));
  const device = await adapter.requestDevice({
    label: options.label ?? 'look-back',
    requiredLimits,
    requiredFeatures,
  });
  return watchDevice(device, readTraits(adapter, device));
}

function checkFloor(limits: GPUSupportedLimits): void {
  for (const [name, need] of Object.entries(FLOOR)) {
    const have = limits[name as keyof typeof FLOOR];
    if (have < need)
      throw new GpuError('gpu/limit', `This device offers ${name} = ${have}; the engine needs ${need}.`, {
        name,
        have,
        need,
      });
  }
}

function readTraits(adapter: GPUAdapter, device: GPUDevice): DeviceTraits {
  const info = adapter.info as GPUAdapterInfo | undefined;
  const text = `${info?.vendor ?? ''} ${info?.architecture ?? ''} ${info?.device ?? ''} ${info?.description ?? ''}`;
  return {
    vendor: info?.vendor ?? '',
    architecture: info?.architecture ?? '',
    description: info?.description || info?.device || info?.architecture || 'unknown adapter',
    software:
      info?.isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|warp|basic render/i.test(text),
    shaderF16: device.features.has('shader-f16'),
    subgroups: device.features.has('subgroups'),
    timestampQuery: device.features.has('timestamp-query'),
    maxBindingBytes: device.limits.maxStorageBufferBindingSize,
    maxBufferBytes: device.limits.maxBufferSize,
    maxWorkgroupBytes: device.limits.maxComputeWorkgroupStorageSize,
    maxInvocations: device.limits.maxComputeInvocationsPerWorkgroup,
    maxStorageBuffers: device.limits.maxStorageBuffersPerShaderStage,
    disabledVariants: new Set(),
  };
}

/** Wraps a device that exists already (tests, hosts with their own device). */
export function watchDevice(device: GPUDevice, traits: DeviceTraits): GpuContext {
  const counters = createCounters();
  const { check, ...loss } = watchFailures(device);
  return {
    device,
    traits,
    counters,
    pipelines: new PipelineCache(device, counters),
    pace: new SubmitPace(traits.software),
    verified: new Map(),
    ...loss,
    createBuffer: (bytes, usage, label) => createBuffer(device, traits, counters, bytes, usage, label),
    destroyBuffer: (buffer) => {
      counters.bufferBytes -= buffer.size;
      buffer.destroy();
    },
    bindGroup: (descriptor) => {
      counters.bindGroups++;
      return device.createBindGroup(descriptor);
    },
    write: (buffer, offset, data) =>
      device.queue.writeBuffer(buffer, offset, data as HostValues & ArrayBufferView<ArrayBuffer>),
    submit: (encode) => {
      const encoder = device.createCommandEncoder();
      encode(encoder);
      counters.submits++;
      device.queue.submit([encoder.finish()]);
    },
    read: async (staging, bytes) => {
      const mapped = Math.max(4, Math.ceil(bytes / 4) * 4);
      await loss.untilLost(staging.mapAsync(GPUMapMode.READ, 0, mapped));
      check();
      const copy = staging.getMappedRange(0, mapped).slice(0, bytes);
      staging.unmap();
      return copy;
    },
    fence: async () => {
      await loss.untilLost(device.queue.onSubmittedWorkDone());
      // A browser tells of an uncaptured error in a task of its own, which can still be waiting behind this promise.
      await new Promise((resolve) => setTimeout(resolve));
      check();
    },
    check,
    destroy: () => device.destroy(),
  };
}

function lostError({ message, reason }: GPUDeviceLostInfo): GpuError {
  return new GpuError('gpu/device-lost', `The graphics device was lost: ${message || reason}`, { reason });
}

/** Follows the promise by which a device tells of its loss. */
export function watchLoss(device: Promise<GPUDeviceLostInfo>): DeviceLoss & { throwIfLost(): void } {
  let gone: GPUDeviceLostInfo | undefined;
  const loss = new Interruption();
  const lost = device.then((info) => {
    gone = info;
    loss.interrupt(lostError(info));
    return info;
  });
  const throwIfLost = (): void => {
    if (gone) throw lostError(gone);
  };
  return { lost, isLost: () => gone !== undefined, untilLost: (work) => loss.until(work), throwIfLost };
}

/** Keeps the first uncaptured error and the loss until somebody asks. */
function watchFailures(device: GPUDevice): DeviceLoss & Pick<GpuContext, 'check'> {
  let failure: GpuError | undefined;
  const { throwIfLost, ...loss } = watchLoss(device.lost);
  device.addEventListener('uncapturederror', (event) => {
    const code =
      event.error.constructor.name === 'GPUOutOfMemoryError' ? 'gpu/out-of-memory' : 'gpu/validation';
    failure ??= new GpuError(code, event.error.message);
  });
  const check = (): void => {
    throwIfLost();
    if (!failure) return;
    const first = failure;
    failure = undefined;
    throw first;
  };
  return { ...loss, check };
}

function createBuffer(
  device: GPUDevice,
  traits: DeviceTraits,
  counters: GpuCounters,
  bytes: number,
  usage: GPUBufferUsageFlags,
  label: string,
): GPUBuffer {
  const size = bufferSize(bytes, label, traits);
  const buffer = device.createBuffer({ label, size, usage });
  counters.buffers++;
  counters.bufferBytes += size;
  return buffer;
}

/**
 * Bytes of the buffer that is made for so many: whole words, and at least the 16 of a uniform struct.
 * @throws GpuError `gpu/limit` when the device allows none of that size
 */
export function bufferSize(
  bytes: number,
  label: string,
  { maxBufferBytes }: Pick<DeviceTraits, 'maxBufferBytes'>,
): number {
  const size = Math.max(16, Math.ceil(bytes / 4) * 4);
  if (size <= maxBufferBytes) return size;
  const message = `Buffer ${label} needs ${size} bytes; this device allows ${maxBufferBytes}.`;
  throw new GpuError('gpu/limit', message, { label, size });
}
