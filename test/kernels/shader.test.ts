// The one door to the WGSL files: equal requests give the same kernel, and every file can be found by its stem.
import { expect, it } from 'vitest';
import { shaderFiles, shaderKernel } from '../../src/kernels/shader';

it('holds the files below shaders/, by their path there', () => {
  const paths = Object.keys(shaderFiles);
  expect(paths).toContain('rms_norm.wgsl');
  expect(paths.some((path) => path.startsWith('lib/'))).toBe(true);
  expect(paths.filter((path) => !path.endsWith('.wgsl') || path.startsWith('/'))).toEqual([]);
  expect(shaderFiles['rms_norm.wgsl']).toMatch(/fn rms_norm\b/);
});

it('returns the same kernel for equal requests, and another for any difference', () => {
  const make = (term: string, variant = term): unknown =>
    shaderKernel('column_sum', variant, { TERM: term, ACCUMULATE: false }, ['read', 'read_write']);
  expect(make('plain')).toBe(make('plain'));
  expect(make('plain', 'other')).not.toBe(make('plain'));
  expect(make('plain')).toMatchObject({
    name: 'column_sum/plain',
    entryPoint: 'column_sum',
    bindings: ['read', 'read_write'],
    hasParams: true,
  });
});

it('names a shader that does not exist', () => {
  expect(() => shaderKernel('no_such', '', {}, [])).toThrow(/no_such\.wgsl/);
});
