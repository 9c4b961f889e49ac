// The results that ship: the list, the one that is wanted last, a file that is not there.
import { describe, expect, it } from 'vitest';
import { createResults } from '../../src/state/results';
import { shippedOf } from './shipped_script';

const { experiment } = shippedOf({ base: [['base', '10100000']] });

describe('createResults', () => {
  it('fetches the list once, and an experiment when it is wanted', async () => {
    const asked: string[] = [];
    const results = createResults(async (name) => {
      asked.push(name);
      return name === 'results.json' ? [{ name: 'small', question: 'Better?' }] : experiment;
    });
    await Promise.all([results.open(), results.show('small')]);
    await Promise.all([results.open(), results.show('small')]);
    expect(results.list.value?.[0]?.name).toBe('small');
    expect(results.shown.value).toBe(experiment);
    expect(asked.filter((name) => name === 'small.json')).toHaveLength(1);
  });

  it('shows what was wanted last, whatever comes first', async () => {
    const waiting = new Map<string, (file: unknown) => void>();
    const results = createResults((name) => new Promise((resolve) => waiting.set(name, resolve)));
    const both = [results.show('slow'), results.show('small')];
    waiting.get('small.json')?.(experiment);
    waiting.get('slow.json')?.({ ...experiment, name: 'slow' });
    await Promise.all(both);
    expect(results.shown.value?.name).toBe('small');
  });

  it('says what cannot be fetched', async () => {
    const results = createResults(async () => {
      throw new Error('not there');
    });
    await results.show('small');
    expect(results.error.value?.message).toContain('not there');
    expect(results.shown.value).toBeNull();
  });
});
