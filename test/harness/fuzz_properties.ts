// Properties that hostile input must not break, for the gate (a small count) and for `npm run soak -- fuzz` (a large one).
// They throw on their own, so that they need no test runner.

import { deepStrictEqual, ok } from 'node:assert';
import fc from 'fast-check';
import { createAnswerParser, parseAnswer } from '../../src/answer/answer_grammar';
import { type ImportedDataset, readDataset } from '../../src/data/dataset/dataset_import';
import { IMPORT_LIMITS } from '../../src/data/dataset/import_limits';
import { LookBackError } from '../../src/lib/errors';
import { plainJson } from '../../src/lib/plain_json';
import {
  DTYPE_BYTES,
  parseSafetensors,
  type SafetensorsFile,
  writeSafetensors,
} from '../../src/model/safetensors';
import { buildZip, jsonLines, samplePng } from '../data/dataset/dataset_samples';
import { loadFixture } from './fixture';

interface Mutation {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly remove: number;
}

function mutate(valid: Uint8Array, list: readonly Mutation[]): Uint8Array {
  return list.reduce<Uint8Array>(
    (file, { at, bytes, remove }) =>
      Uint8Array.from([...file.subarray(0, at), ...bytes, ...file.subarray(at + remove)]),
    valid,
  );
}

async function checkFile(bytes: Uint8Array): Promise<void> {
  let file: SafetensorsFile;
  try {
    file = await parseSafetensors('f.safetensors', bytes);
  } catch (error) {
    if (error instanceof LookBackError) return;
    throw error;
  }
  for (const [name, { dtype, shape }] of file.tensors) {
    const size = shape.reduce((product, n) => product * n, DTYPE_BYTES[dtype]);
    deepStrictEqual((await file.read(name)).length, size, name);
  }
}

/** A mutated safetensors file is refused with an error of ours, or every tensor it lists can be read whole. */
export function survivesMutation() {
  const valid = writeSafetensors(
    [
      { name: 'a.weight', dtype: 'F32', shape: [2, 3], bytes: new Uint8Array(24).fill(1) },
      { name: 'b', dtype: 'BF16', shape: [5], bytes: new Uint8Array(10).fill(2) },
      { name: 'c', dtype: 'BOOL', shape: [], bytes: new Uint8Array(1) },
    ],
    { format: 'pt' },
  );
  const mutation = fc.record({
    at: fc.nat(valid.length - 1),
    bytes: fc.uint8Array({ maxLength: 4 }),
    remove: fc.nat(6),
  });
  const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });
  return fc.asyncProperty(mutations, (list) => checkFile(mutate(valid, list)));
}

/** Reads a set to its last picture; null when it is refused with an error of ours. */
async function importWhole(path: string, bytes: Uint8Array): Promise<ImportedDataset | null> {
  try {
    const set = await readDataset([{ path, blob: new Blob([bytes as BlobPart]) }], { mapping: null });
    for (const { image, question, answer, columns } of set.rows) {
      ok(question !== '' && answer !== '');
      ok(Buffer.byteLength(JSON.stringify(columns)) <= IMPORT_LIMITS.maxColumnBytes + 2);
      deepStrictEqual(plainJson(columns, -1), columns);
      await image().catch((error: unknown) => {
        if (!(error instanceof LookBackError)) throw error;
      });
    }
    return set;
  } catch (error) {
    if (error instanceof LookBackError) return null;
    throw error;
  }
}

/** A damaged zip of a data set is refused with an error of ours, or its rows and pictures read or are listed. */
export function importSurvivesMutation() {
  const row = { image: 'a.png', question: 'q', answer: 'a' };
  const valid = buildZip([
    { name: 't.jsonl', data: jsonLines([row, { ...row, image: 'b.png' }]) },
    { name: 'a.png', data: samplePng(1) },
    { name: 'b.png', data: samplePng(2), store: true },
  ]);
  const mutation = fc.record({
    at: fc.nat(valid.length - 1),
    bytes: fc.uint8Array({ maxLength: 4 }),
    remove: fc.nat(6),
  });
  const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });
  return fc.asyncProperty(mutations, async (list) => void (await importWhole('s.zip', mutate(valid, list))));
}

/** A damaged Parquet file is refused with an error of ours, or its rows and pictures read or are listed. */
export async function parquetSurvivesMutation() {
  const valid = await loadFixture('tables/embedded.parquet');
  const mutation = fc.record({
    at: fc.nat(valid.length - 1),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 5 }),
    remove: fc.nat(6),
  });
  const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });
  return fc.asyncProperty(
    mutations,
    async (list) => void (await importWhole('t.parquet', mutate(valid, list))),
  );
}

/** Any text is read, or its parts are listed, under every name of a text table. */
export function readsAnyText() {
  const part = fc.constantFrom(
    ...[
      '{',
      '}',
      '[',
      ']',
      '"',
      '\\',
      ',',
      ':',
      ' ',
      '\n',
      'NaN',
      '-',
      '1.10',
      '1e400',
      '{"data":[',
      '"train":[',
    ],
    ...['sep=;', 'utf-8', ';', '\t', '{"a":{"0":1}}', '{"a":1}', '\ufeff', 'image', 'question', 'answer'],
  );
  const text = fc.array(part, { maxLength: 24 }).map((parts) => parts.join(''));
  const name = fc.constantFrom('t.jsonl', 't.json', 't.csv', 't.tsv');
  return fc.asyncProperty(name, text, async (path, content) => {
    await importWhole(path, Buffer.from(content));
  });
}

/** Of lines of any bytes, each that is not blank is a row or a listed problem. */
export function importsRowByRow() {
  const picture = `"image":"data:image/png;base64,${Buffer.from(samplePng()).toString('base64')}"`;
  const part = fc.oneof(
    fc.constantFrom(
      '\n',
      '\r\n',
      `{${picture},"question":"q","answer":"a"}`,
      `{${picture}}`,
      '{"answer":"a",',
    ),
    fc.constantFrom(
      '{',
      '}',
      '"',
      ',',
      '[]',
      '7',
      ' ',
      '\t',
      '"question":"q"}',
      '\xff',
      '{"image":["a","b"]}',
      '"level":[1,{"b":2}],',
      '"__proto__":{"a":1},',
    ),
  );
  const text = fc.array(part, { maxLength: 24 }).map((parts) => parts.join(''));
  // The first line names all columns.
  const source = text.map((rest) => `{${picture},"question":"q","answer":"a"}\n${rest}`);
  return fc.asyncProperty(source, async (lines) => {
    const set = await importWhole('t.jsonl', Buffer.from(lines, 'latin1'));
    ok(set !== null);
    const filled = lines.split(/\r?\n/).flatMap((line, i) => (/^[ \t]*$/.test(line) ? [] : [i + 1]));
    const seen = [...set.rows.map(({ row }) => row), ...set.problems.map(({ row }) => row ?? 0)];
    deepStrictEqual(
      seen.sort((a, b) => a - b),
      filled,
    );
  });
}

/** Text made of the segment parser's own building blocks, whole and broken. */
export const SEGMENT_TEXT = fc
  .array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom('<think>', '</think>', '<back>', '</back>', '\\boxed{', '}', '{'),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom('<', '>', '/', '\\', '<thi', 'nk>', '</ba', '\\box', ' ', '\n'),
      },
      { weight: 2, arbitrary: fc.string({ maxLength: 3, unit: 'grapheme' }) },
    ),
    { maxLength: 16 },
  )
  .map((parts) => parts.join(''));

function pieces(text: string, cuts: readonly number[]): string[] {
  const bounds = [0, ...[...cuts].sort((a, b) => a - b), text.length];
  return bounds.slice(1).map((end, i) => text.slice(bounds[i], end));
}

/** However a text is cut, the segments are those of the whole, at every prefix. */
export function splitsAgree() {
  const cutText = SEGMENT_TEXT.chain((text) =>
    fc.tuple(fc.constant(text), fc.uniqueArray(fc.nat(text.length), { maxLength: 8 })),
  );
  return fc.property(cutText, ([text, cuts]) => {
    const parser = createAnswerParser();
    let seen = '';
    for (const piece of pieces(text, cuts)) {
      seen += piece;
      const whole = createAnswerParser();
      parser.push(piece);
      whole.push(seen);
      deepStrictEqual(parser.segments, whole.segments);
      deepStrictEqual(parser.tags, whole.tags);
      deepStrictEqual(parser.answer, whole.answer);
    }
    parser.end();
    deepStrictEqual(parser.segments, parseAnswer(text).segments);
  });
}
