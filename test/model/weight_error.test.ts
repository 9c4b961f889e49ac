// What a precision loses of each weight of a checkpoint.

import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../src/model/checkpoint';
import { parseModelConfig } from '../../src/model/config';
import { deviceRows, relativeOfMatrices, type WeightError, weightErrors } from '../../src/model/weight_error';
import { type WeightPrecision, weightGroups } from '../../src/model/weight_layout';
import { checkWeights } from '../../src/model/weight_names';
import { loadFixtureJson } from '../harness/fixture';
import { fixtureModel } from '../harness/model_fixture';

const FOLDER = 'tiny-qwen2_5_vl';

async function tiny() {
  const config = parseModelConfig(await loadFixtureJson(`${FOLDER}/config.json`));
  return { config, checkpoint: await openCheckpoint(fixtureModel(FOLDER, ['model.safetensors'])) };
}

async function errors(precision: WeightPrecision): Promise<WeightError[]> {
  const { config, checkpoint } = await tiny();
  const list: WeightError[] = [];
  for await (const error of weightErrors(config, checkpoint, precision)) list.push(error);
  return list;
}

describe('weightErrors', () => {
  it('is zero for the stored weights and for all that is wider', async () => {
    for (const precision of ['stored', 'f32', 'bf16'] as const)
      expect(
        (await errors(precision)).every(({ relative, largest }) => relative === 0 && largest === 0),
      ).toBe(true);
  });

  it('is what 8 and 4 bits cost, by role', async () => {
    for (const { role, format, relative } of await errors('int4')) {
      if (role === 'vector') expect([format, relative]).toEqual(['f32', 0]);
      // Normal values in groups of 32 reach 2.1 standard deviations; a step of 2.1/127 leaves 1/√12 of itself.
      else if (role !== 'text') {
        expect(format).toBe('int8');
        expect(relative).toBeGreaterThan(0.002);
        expect(relative).toBeLessThan(0.008);
      } else {
        expect(format).toBe('int4');
        expect(relative).toBeGreaterThan(0.04);
        expect(relative).toBeLessThan(0.11);
      }
    }
  });
});

describe('relativeOfMatrices', () => {
  const matrix = { name: 'w', role: 'text', format: 'int4', elements: 4, largest: 1 } as const;

  it('is the norm of all differences over the norm of all weights, not a mean of ratios', () => {
    // ‖ΔW‖² = (0.1 · 3)² + (0.5 · 4)² = 4.09, ‖W‖² = 9 + 16; the mean of the squared ratios would give 0.36.
    const errors = [
      { ...matrix, norm: 3, relative: 0.1 },
      { ...matrix, norm: 4, relative: 0.5, elements: 400 },
    ];
    expect(relativeOfMatrices(errors)).toBeCloseTo(Math.sqrt(4.09 / 25), 12);
  });

  it('leaves vectors out and is 0 for no weights or zeros', () => {
    const bias = { ...matrix, role: 'vector', norm: 100, relative: 0 } as const;
    expect(relativeOfMatrices([bias, { ...matrix, norm: 2, relative: 0.25 }])).toBeCloseTo(0.25, 12);
    expect(relativeOfMatrices([])).toBe(0);
    expect(relativeOfMatrices([{ ...matrix, norm: 0, relative: 0 }])).toBe(0);
  });

  it('is what the rounded values of a checkpoint give directly', async () => {
    const { config, checkpoint } = await tiny();
    const { sources } = checkWeights(config, checkpoint.tensors);
    let [lost, size] = [0, 0];
    for (const group of weightGroups(config, checkpoint.tensors, sources, 'int4')) {
      if (group.role === 'vector') continue;
      const [rows] = group.shape;
      const stored = await deviceRows(checkpoint, { ...group, format: 'f32' }, 0, rows);
      const rounded = await deviceRows(checkpoint, group, 0, rows);
      stored.forEach((value, i) => {
        lost += (value - (rounded[i] as number)) ** 2;
        size += value ** 2;
      });
    }
    expect(relativeOfMatrices(await errors('int4'))).toBeCloseTo(Math.sqrt(lost / size), 10);
  });
});

describe('deviceRows', () => {
  it('gives the values that lie on the device, in any run of rows', async () => {
    const { config, checkpoint } = await tiny();
    const { sources } = checkWeights(config, checkpoint.tensors);
    for (const precision of ['int4', 'bf16'] as const) {
      const [group] = weightGroups(config, checkpoint.tensors, sources, precision).filter(({ name }) =>
        name.endsWith('layers.0.self_attn.qkv_proj.weight'),
      );
      const whole = await deviceRows(checkpoint, group!, 0, 160);
      expect([...(await deviceRows(checkpoint, group!, 90, 13))]).toEqual([
        ...whole.subarray(90 * 96, 103 * 96),
      ]);
    }
  });
});
