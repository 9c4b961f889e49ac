// An exported run: its files, and a configuration that the command line reads with nothing left over.
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { groupLines, runArchive, runConfiguration } from '../../../src/services/training/run_export';
import { readRunFile } from '../../../src/settings/run_file';
import { PRESETS } from '../../../src/state/train_presets';
import { GROUP } from '../../state/train_script';

const BASE = { device: 'a device', profile: '{}', fingerprint: 'ab12' };
const RUN = {
  ...{ plan: PRESETS['grpo-full'], step: 1, notes: '', base: null, groups: '' },
  metrics: [{ step: 1, values: { loss: 0.5 } }],
};

describe('runConfiguration', () => {
  it.each(Object.entries(PRESETS))('of %s is read again with the same settings', (_, plan) => {
    const json = runConfiguration({ plan, step: 3, base: BASE });
    const { file, unused } = readRunFile(json, plan.method);
    expect(unused).toEqual([]);
    expect(file).toMatchObject({ model: 'pocket', mode: plan.mode, seed: plan.seed, optim: plan.optim });
    expect(file[plan.method]).toMatchObject(plan.method === 'sft' ? plan.sft : { numGenerations: 8 });
    expect(JSON.parse(json)).toMatchObject({
      about: { step: 3, device: 'a device', baseSha256: 'ab12', kernelProfile: '{}' },
    });
  });

  it('names a dataset and an adapter that the page keeps', () => {
    const plan = {
      ...PRESETS['grpo-full'],
      source: { kind: 'dataset', datasetId: 'd' },
      adapterId: 'a',
    } as const;
    const json = JSON.parse(runConfiguration({ plan, step: 0, base: null }));
    expect(json).toMatchObject({ adapter: 'a', source: { kind: 'dataset', file: 'd' } });
    expect(json.about.note).toMatch(/source\.file/);
    expect(json.lora).not.toHaveProperty('r');
  });
});

describe('runArchive', () => {
  it('holds configuration and metrics', async () => {
    const blob = runArchive({ ...RUN, plan: PRESETS['sft-full'] });
    const files = unzipSync(new Uint8Array(await blob.arrayBuffer()));
    expect(Object.keys(files)).toEqual(['run.json', 'metrics.jsonl', 'metrics.csv']);
    expect(new TextDecoder().decode(files['metrics.jsonl'])).toBe('{"step":1,"loss":0.5}\n');
  });

  it('holds what was written about it', async () => {
    const blob = runArchive({ ...RUN, notes: 'Überraschend gut' });
    const files = unzipSync(new Uint8Array(await blob.arrayBuffer()));
    expect(new TextDecoder().decode(files['notes.txt'])).toBe('Überraschend gut');
  });

  it('holds every answer of the groups, without the pictures', async () => {
    const groups = groupLines({ step: 3, groups: [GROUP, GROUP] });
    const blob = runArchive({ ...RUN, groups });
    const files = unzipSync(new Uint8Array(await blob.arrayBuffer()));
    const lines = new TextDecoder().decode(files['groups.jsonl']).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(
      [0, 0, 1, 1].map((group, i) => ({
        ...{ step: 3, group, question: GROUP.question, expected: GROUP.expected, dropped: GROUP.dropped },
        ...GROUP.completions[i % 2],
      })),
    );
    expect(groupLines(null)).toBe('');
  });
});
