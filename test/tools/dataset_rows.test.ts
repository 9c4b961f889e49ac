// Rows of a set on disk for training: what pocket does not know of their words is said before the rows are handed over.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { createTokenizer } from '../../src/data/text/tokenizer';
import { unknownWords } from '../../src/data/text/unknown_words';
import { datasetRows } from '../../tools/dataset_rows';
import { jsonLines, samplePng } from '../data/dataset/dataset_samples';

const root = mkdtempSync(join(tmpdir(), 'look-back-rows-'));
afterAll(() => rmSync(root, { recursive: true }));

async function pocketUnknown() {
  const read = async (name: string) => JSON.parse(await readFile(`public/models/pocket/${name}`, 'utf8'));
  const files = {
    tokenizerJson: await read('tokenizer.json'),
    tokenizerConfig: await read('tokenizer_config.json'),
  };
  const tokenizer = createTokenizer(files);
  return (text: string) => unknownWords(tokenizer, text);
}

/** What is said on stderr while a set of rows is read. */
async function said(rows: readonly object[]): Promise<{ text: string; count: number }> {
  writeFileSync(join(root, 't.jsonl'), jsonLines(rows));
  writeFileSync(join(root, 'a.png'), samplePng(1, 84));
  const lines: string[] = [];
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
    lines.push(String(line));
    return true;
  });
  try {
    const { count } = await datasetRows(join(root, 't.jsonl'), await pocketUnknown());
    return { text: lines.join(''), count };
  } finally {
    spy.mockRestore();
  }
}

const ROW = { image: 'a.png', question: 'how many red squares ?', answer: '3' };

describe('datasetRows', () => {
  it('says which words the model does not know, with their share and their rows', async () => {
    const { text, count } = await said([ROW, { ...ROW, question: 'Which zebra grazes?' }]);
    expect(count).toBe(2);
    expect(text).toMatch(/t\.jsonl: \d+ % of the words are unknown to the model, in 1 of 2 rows: .*"zebra"/);
    expect(text).toMatch(/t\.jsonl, row 2: \d+ % of the words of its question are unknown .*"grazes"/);
  });

  it('counts texts beyond the first eight', async () => {
    const rows = Array.from({ length: 11 }, (_, i) => ({ ...ROW, question: `zebra${i} grazes` }));
    expect((await said(rows)).text).toContain('3 more such texts');
  });

  it('says nothing where every word is known', async () => {
    expect((await said([ROW])).text).toBe('');
  });
});
