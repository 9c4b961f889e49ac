// Every catalogued kernel compiles here without errors or warnings, as this device and as any other would ask for it,
// and has exactly the bindings that its wrapper declares.
import { describe, expect, it } from 'vitest';
import type { DeviceTraits } from '../../src/gpu/device';
import { MAX_GRID_DIMENSION } from '../../src/gpu/kernel';
import { KERNEL_CATALOGUE } from '../../src/kernels/catalogue';
import { shaderFiles } from '../../src/kernels/shader';
import { testGpu } from '../harness/gpu';

/** The adapter as it is, and with the fewest bindings as hardware would report itself, and software without subgroups. */
async function allTraits(): Promise<DeviceTraits[]> {
  const { traits } = await testGpu();
  const few = { ...traits, maxStorageBuffers: 8 };
  return [traits, { ...few, software: !traits.software }, { ...few, software: true, subgroups: false }];
}

describe('kernel catalogue', () => {
  it.each(KERNEL_CATALOGUE.map((entry) => entry.name))('%s compiles cleanly', async (name) => {
    const gpu = await testGpu();
    const entry = KERNEL_CATALOGUE.find((candidate) => candidate.name === name)!;
    const built = (await allTraits()).map((traits) => ({ traits, calls: entry.build(traits) }));
    const calls = built.flatMap((one) => one.calls);
    expect(calls.length).toBeGreaterThan(0);
    for (const { traits, calls: asked } of built)
      for (const { kernel } of asked)
        expect(kernel.bindings.length, kernel.name).toBeLessThanOrEqual(traits.maxStorageBuffers);
    const own = new Set(entry.build(gpu.traits).map((call) => call.kernel.source));
    for (const source of new Set(calls.map((call) => call.kernel.source))) {
      const { kernel, params, grid } = calls.find((call) => call.kernel.source === source)!;
      const module = gpu.device.createShaderModule({ code: source });
      const { messages } = await module.getCompilationInfo();
      expect(messages.map((message) => `${kernel.name}: ${message.message}`)).toEqual([]);
      // A pipeline with the declared layout proves number and access of the bindings. What only other devices would
      // choose stops at the front end: a software adapter takes seconds to compile each of those to machine code.
      if (own.has(source)) await gpu.pipelines.get(kernel);
      expect(params !== undefined, `${kernel.name} has parameters`).toBe(kernel.hasParams);
      expect(Math.max(...grid), `${kernel.name} grid`).toBeLessThanOrEqual(MAX_GRID_DIMENSION);
    }
  });

  it('reaches every shader file', async () => {
    const traits = await allTraits();
    const stems = new Set(
      KERNEL_CATALOGUE.flatMap((entry) => traits.flatMap((t) => entry.build(t))).map(
        ({ kernel }) => `${kernel.name.split('/')[0]}.wgsl`,
      ),
    );
    const files = Object.keys(shaderFiles).filter((path) => !path.startsWith('lib/'));
    expect(files.filter((path) => !stems.has(path))).toEqual([]);
  });
});
