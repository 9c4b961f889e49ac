// The tables of settings in docs/cli.md are those that the declarations give.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withSettingTables } from '../../tools/settings_docs';

const DOCS = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');

describe('docs/cli.md', () => {
  it('holds the tables as they are; `npm run settings_table` writes them', () => {
    expect([...DOCS.matchAll(/<!-- settings: (\w+) -->/g)].map(([, name]) => name)).toEqual([
      'answers',
      'evaluation',
      'training',
    ]);
    expect(withSettingTables(DOCS)).toBe(DOCS);
  });
});

describe('withSettingTables', () => {
  it('writes defaults, values and words of each setting', () => {
    const text = withSettingTables('a\n<!-- settings: training -->\nstale words\n<!-- /settings -->\nb\n');
    expect(text).toMatch(/^a\n<!-- settings: training -->\n\| key \|/);
    expect(text).not.toContain('stale words');
    expect(text).toContain('| `optim.learningRate` | 0.0001 | number from 0 to 10 |  | Learning rate. |');
    expect(text).toMatch(
      /\| `grpo\.lossType` \| `dapo` \| `grpo`, `bnpo`, `dr_grpo`, `dapo` \| GRPO \| Loss\./,
    );
    expect(() => withSettingTables('<!-- settings: x -->\n\n<!-- /settings -->')).toThrow(/"x"/);
  });
});
