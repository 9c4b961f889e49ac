// How goldens are read and compared.
import { describe, expect, it } from 'vitest';
import { compare, openFixtureDir } from '../../../tools/parity_stages/fixture_dir';

describe('compare', () => {
  const golden = Float32Array.of(1, -100, 3, 0);

  it('takes the larger of abs and rel', () => {
    const actual = Float32Array.of(1.5, -100, 3, 0);
    expect(compare(actual, golden, { abs: 0.5 })).toEqual({ error: 0.5, tolerance: 0.5, ok: true });
    expect(compare(actual, golden, { abs: 0.4 })).toMatchObject({ error: 0.5, ok: false });
    // rel counts against the largest golden magnitude.
    expect(compare(actual, golden, { abs: 0.1, rel: 0.005 })).toEqual({
      error: 0.5,
      tolerance: 0.5,
      ok: true,
    });
  });

  it('lets outliers pass, rounded up, and no more', () => {
    const actual = Float32Array.of(2, -101, 3, 0);
    expect(compare(actual, golden, { abs: 0.1, outliers: 0.3 })).toMatchObject({ error: 0, ok: true });
    expect(compare(actual, golden, { abs: 0.1, outliers: 0.25 })).toMatchObject({ error: 1, ok: false });
  });

  it('compares bits where the golden is exact', () => {
    expect(compare(Int32Array.of(1, 2), Int32Array.of(1, 2), 'exact')).toEqual({
      error: 0,
      tolerance: 0,
      ok: true,
    });
    expect(compare(Int32Array.of(1, 5), Int32Array.of(1, 2), 'exact')).toMatchObject({ error: 3, ok: false });
    const nan = new Float32Array(Uint32Array.of(0x7fc00001).buffer);
    expect(compare(nan, nan.slice(), 'exact').ok).toBe(true);
    expect(compare(nan, Float32Array.of(Number.NaN), 'exact')).toMatchObject({
      ok: false,
      reason: 'values equal, bits differ',
    });
    expect(compare(Float32Array.of(-0), Float32Array.of(0), 'exact').ok).toBe(false);
    expect(compare(BigInt64Array.of(2n ** 60n), BigInt64Array.of(2n ** 60n + 1n), 'exact').ok).toBe(false);
  });

  it('never takes NaN, infinities or missing values for close', () => {
    expect(compare(Float32Array.of(Number.NaN, -100, 3, 0), golden, { abs: 1e9 }).ok).toBe(false);
    expect(compare(Float32Array.of(1, -100, 3), golden, { abs: 1e9 })).toMatchObject({
      ok: false,
      reason: 'has 3 values, expected 4',
    });
    const infinite = Float32Array.of(Number.POSITIVE_INFINITY);
    expect(compare(infinite, infinite.slice(), { abs: 0 }).ok).toBe(true);
    expect(compare(Float32Array.of(1), infinite, { abs: 1 }).ok).toBe(false);
    expect(compare(new Float32Array(0), new Float32Array(0), { abs: 0 }).ok).toBe(true);
    expect(compare(golden, golden, 'input').ok).toBe(false);
  });
});

describe('openFixtureDir', () => {
  it('lists every tensor of every file with its stage and tolerance', async () => {
    const dir = openFixtureDir('test/fixtures/tiny-qwen2_5_vl');
    const { tensors_to_compare: count } = dir.json('manifest.json') as { tensors_to_compare: number };
    expect(dir.toCompare()).toHaveLength(count);
    const tied = dir.find('variants/tied/io.safetensors', 'logits');
    expect(tied).toMatchObject({ shape: [38, 160], stage: 'logits', tol: { abs: 0.0005 } });
    expect(dir.variants()).toEqual(['new-prefix', 'sharded', 'tied']);
    expect((await dir.read(dir.find('io.safetensors', 'position_ids') as never)).length).toBe(3 * 38);
  });

  it('names what is missing', async () => {
    expect(() => openFixtureDir('test/fixtures/none')).toThrow(
      'test/fixtures/none: no readable manifest.json',
    );
    const dir = openFixtureDir('test/fixtures/ops');
    await expect(dir.read({ file: 'ops.safetensors', name: 'nothing' })).rejects.toThrow('no tensor nothing');
  });
});
