// Logs of metrics: what is written can be read back by a JSON and a CSV reader.
import { describe, expect, it } from 'vitest';
import { metricsCsv, metricsJsonl } from '../../src/train/training_log';

const STEPS = [
  { step: 1, values: { loss: 0.5, 'rewards/format/mean': 1 } },
  { step: 2, values: { loss: Number.NaN, 'odd, "name"': 3 } },
];

describe('metrics as text', () => {
  it('is one object per line, null where JSON has no number', () => {
    const lines = metricsJsonl(STEPS).split('\n');
    expect(lines).toHaveLength(3);
    expect(lines.slice(0, 2).map((line) => JSON.parse(line))).toEqual([
      { step: 1, loss: 0.5, 'rewards/format/mean': 1 },
      { step: 2, loss: null, 'odd, "name"': 3 },
    ]);
    expect(metricsJsonl([])).toBe('');
  });

  it('is a table with a column per metric', () => {
    expect(metricsCsv(STEPS).split('\r\n')).toEqual([
      'step,loss,rewards/format/mean,"odd, ""name"""',
      '1,0.5,1,',
      '2,NaN,,3',
      '',
    ]);
    expect(metricsCsv([])).toBe('step\r\n');
  });
});
