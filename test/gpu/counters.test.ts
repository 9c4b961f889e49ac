// Which counts make up the steady-state contract.
import { expect, it } from 'vitest';
import { createCounters, creations } from '../../src/gpu/counters';

it('counts every kind of GPU object, and neither work nor bytes', () => {
  const counters = createCounters();
  expect(creations(counters)).toBe(0);
  counters.dispatches += 5;
  counters.submits += 3;
  counters.bufferBytes += 4096;
  expect(creations(counters)).toBe(0);
  const objects = [
    'buffers',
    'bindGroups',
    'bindGroupLayouts',
    'pipelineLayouts',
    'pipelines',
    'shaderModules',
  ] as const;
  objects.forEach((kind, index) => {
    counters[kind] += 1;
    expect(creations(counters)).toBe(index + 1);
  });
});
