// Rows of a dataset file: what is read, and which rows are reported bad and why.
import { describe, expect, it } from 'vitest';
import { parseDataset, requireDataset } from '../../../src/data/dataset/dataset';

const row = (fields: object): string =>
  JSON.stringify({ image: 'a.png', question: 'How many?', answer: '3', ...fields });

describe('parseDataset', () => {
  it('reads rows, numbers as answers, and normalises paths', () => {
    const text = `\ufeff${row({})}\r\n\n${row({ image: './x/b.png', answer: 2.5, kind: 'count' })}\n`;
    expect(parseDataset(text)).toEqual({
      rows: [
        { line: 1, image: 'a.png', question: 'How many?', answer: '3', kind: null },
        { line: 3, image: 'x/b.png', question: 'How many?', answer: '2.5', kind: 'count' },
      ],
      problems: [],
    });
    expect(parseDataset(row({ image: '..\\pics\\c.png' })).rows[0]?.image).toBe('../pics/c.png');
    expect(parseDataset(row({ image: 'a/../../c.png' })).rows[0]?.image).toBe('../c.png');
  });

  const bad: [string, string, string][] = [
    ['not JSON', '{"image":', 'is not valid JSON'],
    ['a list', '[]', 'must be a JSON object'],
    ['null', 'null', 'must be a JSON object'],
    ['no image', row({ image: undefined }), 'image must be a path'],
    ['absolute', row({ image: '/etc/passwd' }), 'must be relative'],
    ['drive', row({ image: 'C:\\x.png' }), 'must be relative'],
    ['URL', row({ image: 'https://x/y.png' }), 'must be relative'],
    ['network path', row({ image: '\\\\host\\x' }), 'must be relative'],
    ['folder', row({ image: 'a/..' }), 'is a folder'],
    ['NUL', row({ image: 'a\0.png' }), 'NUL'],
    ['blank question', row({ question: ' ' }), 'question must be a text'],
    ['answer object', row({ answer: {} }), 'answer must be a text or a number'],
    ['empty answer', row({ answer: '' }), 'answer must be'],
    ['kind number', row({ kind: 3 }), 'kind must be a text'],
    ['inherited', '{"__proto__":{"image":"a.png","question":"q","answer":"a"}}', 'image must be a path'],
  ];
  it.each(bad)('lists a bad row: %s', (_, text, reason) => {
    const { rows, problems } = parseDataset(`${row({})}\n${text}`);
    expect(rows).toHaveLength(1);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.line).toBe(2);
    expect(problems[0]?.reason).toContain(reason);
  });
});

describe('requireDataset', () => {
  it('returns good rows and lists all bad ones', () => {
    expect(requireDataset(row({}), 'd.jsonl')).toHaveLength(1);
    expect(() => requireDataset(`x\n${row({})}\n{}`, 'd.jsonl')).toThrow(
      'd.jsonl: 2 bad rows: line 1: is not valid JSON, line 3: image must be a path',
    );
    expect(() => requireDataset('\n', 'd.jsonl')).toThrow('d.jsonl: no rows');
  });
});
