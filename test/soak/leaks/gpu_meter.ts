// Counts the GPU buffers of a Worker from below the product: it wraps their making and destroying, and tells what is
// alive to whoever asks on its channel.

/** What is asked and answered on. */
export const METER_CHANNEL = 'gpu-meter';

/** Buffers that are alive. */
export interface GpuReading {
  readonly buffers: number;
  readonly bytes: number;
}

if (typeof GPUDevice === 'function' && typeof document === 'undefined') {
  const alive = new Map<number, number>();
  const numbers = new WeakMap<GPUBuffer, number>();
  let made = 0;
  const { createBuffer } = GPUDevice.prototype;
  const { destroy } = GPUBuffer.prototype;
  GPUDevice.prototype.createBuffer = function create(descriptor) {
    const buffer = Reflect.apply(createBuffer, this, [descriptor]);
    // Numbers and not buffers are kept: the meter itself must keep nothing alive.
    numbers.set(buffer, ++made);
    alive.set(made, buffer.size);
    return buffer;
  };
  GPUBuffer.prototype.destroy = function end() {
    alive.delete(numbers.get(this) ?? 0);
    return Reflect.apply(destroy, this, []);
  };
  const channel = new BroadcastChannel(METER_CHANNEL);
  channel.onmessage = () => {
    const bytes = [...alive.values()].reduce((sum, size) => sum + size, 0);
    channel.postMessage({ buffers: alive.size, bytes } satisfies GpuReading);
  };
}
