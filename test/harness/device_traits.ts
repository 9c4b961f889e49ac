// A device with the least limits that WebGPU promises, for tests of choices and checks that need no device.
import type { DeviceTraits } from '../../src/gpu/device';

/** The least limits of WebGPU, no optional feature, not software. */
export const LEAST_TRAITS: DeviceTraits = {
  vendor: 'test',
  architecture: '',
  description: 'least limits',
  software: false,
  shaderF16: false,
  subgroups: false,
  timestampQuery: false,
  maxBindingBytes: 2 ** 27,
  maxBufferBytes: 2 ** 28,
  maxWorkgroupBytes: 16384,
  maxInvocations: 256,
  maxStorageBuffers: 8,
  disabledVariants: new Set(),
};
