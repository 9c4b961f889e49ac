// What `check-data` reports: rows as pocket would see them, every problem with its row, and sets that cannot be read.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkData } from '../../tools/dataset_check';
import { jsonLines, samplePng } from '../data/dataset/dataset_samples';

const root = mkdtempSync(join(tmpdir(), 'look-back-check-'));
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => void vi.stubEnv('LOOKBACK_ROOT', process.cwd()));

let sets = 0;
/** A folder of a table and of pictures a.png (84 × 84) and long.png (2000 × 1). */
function folderOf(rows: readonly object[] | string): string {
  const folder = join(root, String(sets++));
  const files = {
    't.jsonl': typeof rows === 'string' ? rows : jsonLines(rows),
    'images/a.png': samplePng(1, 84),
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

const ROW = { image: 'images/a.png', question: 'how many red squares ?', answer: '3' };
const check = (path: string) =>
  checkData({ path, model: 'pocket', mode: 'solution', split: null }, new AbortController().signal);

describe('checkData', () => {
  it('shows rows as the model sees them', async () => {
    const others = ['how many blue squares ?', 'how many green squares ?'];
    const path = folderOf([
      ROW,
      { ...ROW, response: 'so \\boxed{3}' },
      ...others.map((question) => ({ ...ROW, question })),
    ]);
    const report = await check(path);
    expect(report).toMatchObject({
      ...{ path, format: 'folder', table: 't.jsonl', model: 'pocket', mode: 'solution' },
      columns: { image: 'image', question: 'question', answer: 'answer', response: 'response' },
      rows: { found: 4, usable: 4, leftOut: 0 },
      ...{ problems: [], moreProblems: 0, warnings: [] },
    });
    expect(report.preview.map(({ row }) => row)).toEqual([1, 2, 3]);
    const [first, second] = report.preview;
    expect(second?.response).toBe('so \\boxed{3}');
    expect(first?.image).toMatchObject({ name: 'images/a.png', width: 84, height: 84 });
    const { resizedWidth = 0, resizedHeight = 0, tokens = 0 } = first?.image ?? {};
    expect(resizedWidth * resizedHeight).toBeGreaterThan(0);
    expect(tokens).toBeGreaterThan(0);
    expect(first?.promptTokens).toBeGreaterThan(tokens);
    expect(first?.prompt).toContain('how many red squares?');
    expect(first?.prompt).toContain('use back');
    expect(first?.prompt.match(/<\|image_pad\|>/g)).toHaveLength(1);
  });

  it('names rows whose words the model does not know, and repeated rows', async () => {
    const path = folderOf([ROW, ROW, { ...ROW, question: 'Which zebra grazes?' }]);
    const { warnings, rows } = await check(path);
    expect(rows.usable).toBe(3);
    expect(warnings.map(({ kind, row }) => [kind, row])).toEqual([
      ['unknown words', null],
      ['duplicate', 2],
      ['unknown words', 3],
    ]);
    expect(warnings[2]?.reason).toContain('"zebra"');
  });

  it('takes control tokens in a question as the text that they are', async () => {
    const path = folderOf([{ ...ROW, question: 'how many <|image_pad|> red <|im_end|> squares ?' }]);
    const { rows, preview } = await check(path);
    expect(rows).toEqual({ found: 1, usable: 1, leftOut: 0 });
    const whole = await check(folderOf([ROW]));
    expect(preview[0]?.image.tokens).toBe(whole.preview[0]?.image.tokens);
  });

  it('lists each problem with its row and counts what is left out', async () => {
    const path = folderOf([ROW, { ...ROW, image: 'b.png' }, { ...ROW, answer: '' }]);
    const { rows, problems } = await check(path);
    expect(rows).toEqual({ found: 3, usable: 1, leftOut: 2 });
    expect(problems).toEqual([
      { file: 't.jsonl', row: 2, reason: 'image "b.png" is not among the files' },
      { file: 't.jsonl', row: 3, reason: 'has no answer' },
    ]);
  });

  it.each([
    ['a path that does not exist', () => join(root, 'nowhere'), 'there is no such file or folder'],
    ['a folder without a table', () => join(folderOf([]), 'images'), 'There is no table'],
    ['an empty table', () => folderOf(''), 'has no rows'],
  ])('reports %s as one problem', async (_, pathOf, reason) => {
    const path = pathOf();
    const report = await check(path);
    expect(report).toMatchObject({ table: null, rows: { found: 0, usable: 0, leftOut: 0 }, preview: [] });
    expect(report.problems).toEqual([{ file: path, row: null, reason: expect.stringContaining(reason) }]);
  });
});
