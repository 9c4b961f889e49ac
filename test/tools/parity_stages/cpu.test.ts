// The stages of the parity command that need no GPU, against the fixtures.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../../src/model/safetensors';
import type { ComputedRow } from '../../../tools/parity_stages/computed_row';
import { cpuRows } from '../../../tools/parity_stages/cpu';
import { compare, openFixtureDir, type Values } from '../../../tools/parity_stages/fixture_dir';

/** Compares every row that the CPU can compute and returns the names that failed. */
async function failures(path: string, rows: ComputedRow[]): Promise<string[]> {
  const dir = openFixtureDir(path);
  const failed: string[] = [];
  for (const row of rows) {
    if (row.golden !== undefined) {
      if (row.actual !== row.golden) failed.push(`${row.tensor}: ${row.actual} != ${row.golden}`);
      continue;
    }
    const spec = dir.find(row.file, row.tensor);
    if (spec === undefined || spec.tol === 'input') continue;
    expect([...row.shape], row.tensor).toEqual([...spec.shape]);
    const result = compare(row.actual as Values, await dir.read(spec), spec.tol);
    if (!result.ok)
      failed.push(`${row.tensor}: ${result.error} > ${result.tolerance} ${result.reason ?? ''}`);
  }
  return failed;
}

async function collect(
  path: string,
  wanted: (tensor: string) => boolean = () => true,
): Promise<ComputedRow[]> {
  const rows: ComputedRow[] = [];
  for await (const row of cpuRows(openFixtureDir(path), (_, tensor) => wanted(tensor))) rows.push(row);
  return rows;
}

const FIXTURES = 'test/fixtures';

describe('cpuRows', () => {
  it('reproduces every processor, position and integer vision tensor of the tiny model', async () => {
    const path = `${FIXTURES}/tiny-qwen2_5_vl`;
    const rows = await collect(path);
    expect(await failures(path, rows)).toEqual([]);
    const names = new Set(rows.map((row) => row.tensor));
    const dir = openFixtureDir(path);
    const mine = dir.toCompare().filter((spec) => {
      const table = /(window_index|cu_window|cu_full|cos|sin)$/.test(spec.name);
      return spec.stage === 'processor' || spec.stage === 'position' || (spec.stage === 'vision' && table);
    });
    expect(mine.length).toBe(14);
    expect(mine.filter((spec) => !names.has(spec.name))).toEqual([]);
  });

  it('reproduces every tensor and hash of the preprocessing cases', async () => {
    const path = `${FIXTURES}/preprocess`;
    const rows = await collect(path);
    expect(await failures(path, rows)).toEqual([]);
    const names = new Set(rows.map((row) => row.tensor));
    const missing = openFixtureDir(path)
      .toCompare()
      .filter((spec) => !names.has(spec.name));
    expect(missing).toEqual([]);
    expect(names.has('hashed.qwen.1080x1920.pixel_values_f32_sha256')).toBe(true);
    expect(names.has('lookback_eval.200x300.second_u8_sha256')).toBe(true);
  });

  it('reproduces the dtype and rounding vectors', async () => {
    const path = `${FIXTURES}/ops`;
    const rows = await collect(path);
    expect(rows.map((row) => row.tensor).sort()).toEqual([
      'dtype.bf16.as_f32',
      'dtype.f16.as_f32',
      'round.to_bf16',
      'round.to_f16',
    ]);
    expect(await failures(path, rows)).toEqual([]);
  });

  it.each([
    ['tokenizer-qwen2', 8],
    ['tokenizer-smollm2', 7],
  ])('reproduces every string and chat of %s', async (folder, chats) => {
    const path = `${FIXTURES}/${folder}`;
    const rows = await collect(path);
    expect(await failures(path, rows)).toEqual([]);
    expect(rows.filter((row) => row.tensor.endsWith('.rendered'))).toHaveLength(chats);
    expect(rows.filter((row) => row.tensor.endsWith('.prefix_decodes')).length).toBeGreaterThan(5);
  });

  it('takes a prompt without images, whose positions just count', async () => {
    const path = mkdtempSync(join(tmpdir(), 'prompt-'));
    const ids = Int32Array.of(5, 6, 7);
    const bytes = new Uint8Array(ids.buffer);
    const file = writeSafetensors([{ name: 'input_ids', dtype: 'I32', shape: [3], bytes }]);
    writeFileSync(join(path, 'io.safetensors'), file);
    copyFileSync(`${FIXTURES}/tiny-qwen2_5_vl/config.json`, join(path, 'config.json'));
    const entry = (shape: number[], tol: string) => ({ shape, dtype: 'I32', stage: 'position', tol });
    const tensors = { input_ids: entry([3], 'input'), position_ids: entry([3, 3], 'exact') };
    const manifest = { fixture: 'text', files: { 'io.safetensors': { tensors } } };
    writeFileSync(join(path, 'manifest.json'), JSON.stringify(manifest));
    const rows = await collect(path);
    rmSync(path, { recursive: true });
    const actual = rows.find(({ tensor }) => tensor === 'position_ids')?.actual;
    expect(actual).toEqual(Int32Array.of(0, 1, 2, 0, 1, 2, 0, 1, 2));
  });

  it('computes nothing that is not wanted', async () => {
    expect(await collect(`${FIXTURES}/tiny-qwen2_5_vl`, () => false)).toEqual([]);
  });
});
