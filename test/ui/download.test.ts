// File names that every file system takes.
import { describe, expect, it } from 'vitest';
import { fileName } from '../../src/ui/download';

describe('fileName', () => {
  it('keeps what is safe and replaces the rest', () => {
    expect(fileName('Counts, v2', 'zip')).toBe('Counts-v2.zip');
    expect(fileName('Zähler', 'zip')).toBe('Za-hler.zip');
    expect(fileName('../../etc/passwd', 'zip')).toBe('etc-passwd.zip');
    expect(fileName('a/b\\c:d*?', 'csv')).toBe('a-b-c-d.csv');
    expect(fileName('x'.repeat(200), 'zip')).toHaveLength(84);
  });

  it('has a name for what leaves nothing', () => {
    expect(fileName('???', 'zip')).toBe('look-back.zip');
    expect(fileName('', 'jsonl', 'run')).toBe('run.jsonl');
  });
});
