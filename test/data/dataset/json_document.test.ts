// One object that is a whole file: lists, splits, and the orients of pandas.
import { describe, expect, it } from 'vitest';
import { readDocument } from '../../../src/data/dataset/json_document';

const ROWS = [
  { image: 'a.png', question: 'q1', answer: 1 },
  { image: 'b.png', question: 'q2', answer: 2 },
];

function read(json: object, split: string | null = null): unknown {
  const found = readDocument(new Map(Object.entries(json)), split);
  if (found === null || 'reason' in found) return found;
  return found.rows.map((row) => ('values' in row ? Object.fromEntries(row.values) : row));
}

describe('readDocument', () => {
  // The texts are what pandas 2.3 writes for DataFrame(ROWS).to_json(orient=…), and Dataset.to_dict().
  it.each([
    ['columns', '{"image":{"0":"a.png","1":"b.png"},"question":{"0":"q1","1":"q2"},"answer":{"0":1,"1":2}}'],
    [
      'index',
      '{"0":{"image":"a.png","question":"q1","answer":1},"1":{"image":"b.png","question":"q2","answer":2}}',
    ],
    [
      'split',
      '{"columns":["image","question","answer"],"index":[0,1],"data":[["a.png","q1",1],["b.png","q2",2]]}',
    ],
    [
      'table',
      '{"schema":{"fields":[{"name":"index","type":"integer"}],"primaryKey":["index"],"pandas_version":"1.4.0"},' +
        '"data":[{"image":"a.png","question":"q1","answer":1},{"image":"b.png","question":"q2","answer":2}]}',
    ],
    ['lists', '{"image":["a.png","b.png"],"question":["q1","q2"],"answer":[1,2]}'],
    [
      'rows by id',
      '{"x1":{"image":"a.png","question":"q1","answer":1},"x2":{"image":"b.png","question":"q2","answer":2}}',
    ],
  ])('reads %s', (_, text) => expect(read(JSON.parse(text) as object)).toEqual(ROWS));

  it('fills gaps of columns by index', () => {
    expect(read({ a: { '0': 1, '2': 3 }, b: { '2': 4 } })).toEqual([
      { a: 1, b: undefined },
      { a: 3, b: 4 },
    ]);
  });

  it('takes one split, the training one unless told', () => {
    const json = { test: [ROWS[1]], train: ROWS };
    expect(read(json)).toEqual(ROWS);
    expect(read(json, 'test')).toEqual([ROWS[1]]);
    expect(read(json, 'dev')).toEqual({ reason: 'has no split "dev": it has "test", "train"' });
    expect(readDocument(new Map(Object.entries(json)), null)).toMatchObject({
      splits: [
        { name: 'test', rows: 1 },
        { name: 'train', rows: 2 },
      ],
    });
  });

  it('says which columns differ in length', () => {
    expect(read({ image: ['a', 'b'], question: ['q'] })).toEqual({
      reason: 'holds columns of different lengths: "image" has 2 values and "question" 1',
    });
  });

  it.each([
    { image: 'a.png', question: 'q', answer: 'a' },
    { image: { bytes: 'x', path: 'y' }, question: 'q' },
    { messages: [{ role: 'user', content: 'q' }], images: ['a.png'] },
    { conversations: [{ from: 'human', value: 'q' }] },
    {},
  ])('leaves %j a row', (row) => expect(read(row)).toBeNull());
});
