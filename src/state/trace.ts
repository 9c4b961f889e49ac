// Writes and reads traces: a finished answer with its picture, its tokens and their attention, as one JSON file that anybody
// can play without a model. Maps are kept as 16-bit shares of their own largest value. What is read is untrusted: every
// field is checked, and nothing that can be derived is taken from the file.

import { gradeAnswer } from '../answer/answer_grading';
import { readAnswer } from '../answer/answer_reading';
import { attentionPhases } from '../answer/attention_phases';
import { TokenSpanMap } from '../answer/token_spans';
import { COLOUR_WORDS, type ColourWord } from '../data/world/colour_words';
import { base64Of, bytesOfBase64 } from '../lib/base64';
import { DataError } from '../lib/errors';
import { type JsonFailure, JsonReader } from '../lib/json_reader';
import { MAX_PICTURES } from '../settings/generation_settings';
import { REASONING_MODES, type ReasoningMode } from '../settings/reasoning_modes';
import type {
  AttentionShares,
  FinishReason,
  GenerateResult,
  PictureFact,
  PromptFact,
} from '../worker/protocol/answers';
import { segmentsAfter } from './replay';
import type { Answer, Step } from './session';
import { DEFAULT_SETTINGS, FIXED_SETTINGS } from './settings';

/** What a file that holds a trace says first. */
const FORMAT = 'look-back trace';
const VERSION = 1;
/** Bounds of what is read: 64 MiB of text, tokens, cells of a map, and characters of any one string but the picture. */
const MOST = { bytes: 2 ** 26, tokens: 16_384, cells: 16_384, characters: 100_000 } as const;
const PICTURE_TYPES = ['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'image/bmp', 'image/avif'];
const FINISH_REASONS: readonly FinishReason[] = ['eos', 'length', 'stopped'];

/** The picture of a trace: its file as it was chosen. */
export interface TracePicture {
  readonly name: string;
  readonly blob: Blob;
}

/** A recorded answer, with the pictures that it is about in order. */
export interface Trace {
  readonly answer: Answer;
  readonly pictures: readonly TracePicture[];
}

function packMap(map: Float32Array): { top: number; values: string } {
  const top = map.reduce((most, value) => Math.max(most, value), 0);
  const values = new Uint8Array(map.length * 2);
  const view = new DataView(values.buffer);
  map.forEach((value, i) => {
    view.setUint16(2 * i, top === 0 ? 0 : Math.round((value / top) * 65_535), true);
  });
  return { top, values: base64Of(values) };
}

async function packPicture({ name, blob }: TracePicture): Promise<object> {
  return { name, type: blob.type, data: base64Of(new Uint8Array(await blob.arrayBuffer())) };
}

const rounded = (value: number): number => Math.round(value * 1e5) / 1e5;

function packToken({ id, text, shares, map, atMs }: Step): object {
  return {
    id,
    text,
    at: Math.round(atMs),
    shares: shares && [rounded(shares.image), rounded(shares.query), rounded(shares.generated)],
    map: map && packMap(map),
  };
}

/** What is written: the tokens, and beside them what the answer is about. */
type TraceFile = { readonly tokens: readonly object[] } & Readonly<Record<string, unknown>>;

/**
 * What the file of a finished answer says.
 * @throws {DataError} `data/trace` if the answer is not finished or lacks its prompt
 */
export async function traceFile({ answer, pictures }: Trace): Promise<TraceFile> {
  const { result, prompt, asked } = answer;
  if (result === null || prompt === null) {
    throw new DataError('data/trace', 'Only a finished answer can be saved as a trace.');
  }
  const { finishReason, tokensPerSecond, timeToFirstTokenMs, totalMs } = result.stats;
  return {
    ...{ format: FORMAT, version: VERSION },
    model: answer.modelLabel,
    adapter: answer.adapterLabel && { name: answer.adapterLabel, strength: asked.adapter?.strength ?? 1 },
    question: asked.question,
    expected: asked.expected,
    ...{ mode: asked.mode, seed: asked.seed, temperature: asked.temperature },
    pictures: await Promise.all(pictures.map(packPicture)),
    prompt,
    truth: result.truth,
    stats: {
      finishReason,
      tokensPerSecond: rounded(tokensPerSecond),
      timeToFirstTokenMs: rounded(timeToFirstTokenMs),
      totalMs: rounded(totalMs),
    },
    tokens: answer.steps.map(packToken),
  };
}

/**
 * The file of a finished answer.
 * @throws {DataError} `data/trace` if the answer is not finished or lacks its prompt
 */
export async function writeTrace(trace: Trace): Promise<Blob> {
  return new Blob([JSON.stringify(await traceFile(trace))], { type: 'application/json' });
}

const failure: JsonFailure = (message, key) => new DataError('data/trace', `${message}.`, { key });

function textOf(reader: JsonReader, key: string, most: number = MOST.characters): string {
  const text = reader.string(key);
  if (text.length > most) reader.fail(key, `must have at most ${most} characters`);
  return text;
}

function bytesOf(reader: JsonReader, key: string): Uint8Array<ArrayBuffer> {
  return bytesOfBase64(textOf(reader, key, MOST.bytes)) ?? reader.fail(key, 'must be base64');
}

function oneOf<T extends string>(reader: JsonReader, key: string, choices: readonly T[]): T {
  const value = reader.string(key);
  const found = choices.find((choice) => choice === value);
  return found ?? reader.fail(key, `must be one of ${choices.join(', ')}`);
}

function readMap(reader: JsonReader, cells: number): Float32Array {
  const top = reader.number('top');
  const bytes = bytesOf(reader, 'values');
  if (top < 0 || top > 1) reader.fail('top', 'must lie between 0 and 1');
  if (bytes.length !== 2 * cells) reader.fail('values', `must hold ${cells} values of two bytes`);
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: cells }, (_, i) => (view.getUint16(2 * i, true) / 65_535) * top);
}

function readShares(reader: JsonReader): AttentionShares | null {
  if (!reader.has('shares')) return null;
  const [image = 0, query = 0, generated = 0] = reader.numbers('shares', 3);
  if (Math.min(image, query, generated) < 0 || image + query + generated > 1.001) {
    reader.fail('shares', 'must not be negative, and no more than 1 together');
  }
  return { image, query, generated };
}

function listOf(reader: JsonReader, key: string, most: number): readonly unknown[] {
  const value = reader.raw(key);
  if (!Array.isArray(value) || value.length > most) {
    return reader.fail(key, `must be a list of at most ${most}`);
  }
  return value;
}

function readSteps(file: JsonReader, name: string, cells: number): Step[] {
  let text = '';
  return listOf(file, 'tokens', MOST.tokens).map((value, i) => {
    const reader = new JsonReader(value, name, failure, `tokens[${i}]`);
    const start = text.length;
    const added = textOf(reader, 'text', 1000);
    text += added;
    const shares = readShares(reader);
    return {
      ...{ id: reader.integer('id'), text: added, start, end: text.length, shares },
      map: shares !== null && reader.has('map') ? readMap(reader.object('map'), cells) : null,
      atMs: reader.integer('at'),
    };
  });
}

function readCells(reader: JsonReader, cells: number): PictureFact['cells'] {
  if (!reader.has('cells')) return null;
  const words = listOf(reader, 'cells', cells).map((word) => {
    if (word !== null && !COLOUR_WORDS.includes(word as ColourWord)) {
      return reader.fail('cells', 'must hold colour words and null');
    }
    return word as ColourWord | null;
  });
  return words.length === cells ? words : reader.fail('cells', `must hold ${cells} words`);
}

function cellsOf({ grid: [rows, columns] }: PictureFact): number {
  return rows * columns;
}

function readPictureFact(reader: JsonReader): PictureFact {
  const side = { min: 1, max: 100_000 };
  const [rows = 0, columns = 0, ...more] = reader.integers('grid', { min: 1, max: MOST.cells });
  if (more.length > 0 || columns < 1 || rows * columns > MOST.cells) {
    reader.fail('grid', `must be rows and columns of at most ${MOST.cells} cells`);
  }
  return {
    grid: [rows, columns],
    sourceWidth: reader.integer('sourceWidth', side),
    sourceHeight: reader.integer('sourceHeight', side),
    resizedWidth: reader.integer('resizedWidth', side),
    resizedHeight: reader.integer('resizedHeight', side),
    notes: listOf(reader, 'notes', 20).map((note) => `${note}`.slice(0, 500)),
    cells: readCells(reader, rows * columns),
  };
}

function readPrompt(reader: JsonReader, name: string): PromptFact {
  const pictures = listOf(reader, 'pictures', MAX_PICTURES).map((value, i) =>
    readPictureFact(new JsonReader(value, name, failure, `prompt.pictures[${i}]`)),
  );
  if (pictures.reduce((sum, picture) => sum + cellsOf(picture), 0) > MOST.cells) {
    reader.fail('pictures', `must have at most ${MOST.cells} cells together`);
  }
  return {
    promptTokens: reader.integer('promptTokens'),
    imageTokens: reader.integer('imageTokens'),
    square: reader.boolean('square'),
    pictures,
  };
}

function readTruth(file: JsonReader): GenerateResult['truth'] {
  if (!file.has('truth')) return null;
  const reader = file.object('truth');
  const words = (key: string): string[] => listOf(reader, key, 64).map((word) => `${word}`.slice(0, 100));
  const word = reader.has('word') ? oneOf(reader, 'word', COLOUR_WORDS) : null;
  return { answers: words('answers'), unclear: words('unclear'), word };
}

function readPicture(reader: JsonReader): TracePicture {
  const type = oneOf(reader, 'type', PICTURE_TYPES);
  return { name: textOf(reader, 'name', 300), blob: new Blob([bytesOf(reader, 'data')], { type }) };
}

/** Attention by phases follows from the tokens, too. */
function phasesOf(steps: readonly Step[], text: string): GenerateResult['phases'] {
  if (steps.every(({ shares }) => shares === null)) return null;
  const spans = new TokenSpanMap();
  for (const step of steps) spans.push(step.text);
  return attentionPhases({
    reading: readAnswer(text),
    imageShares: steps.map(({ shares }) => shares?.image ?? null),
    tokenSpan: (start, end) => spans.innerRangeOf(text, start, end),
  });
}

/** The answer's text, box and verdict follow from the tokens; only what the pixels said is the file's own. */
function readResult(file: JsonReader, steps: readonly Step[], prompt: PromptFact): GenerateResult {
  const text = steps.map((step) => step.text).join('');
  const { answer } = readAnswer(text);
  const truth = readTruth(file);
  const expected = truth?.answers ?? (file.has('expected') ? [textOf(file, 'expected')] : []);
  const grades = expected.map((right) => gradeAnswer(answer, right));
  const stats = file.object('stats');
  return {
    about: { picture: '', question: file.string('question') },
    ...{ text, answer, truth, phases: phasesOf(steps, text) },
    verdict: grades.find(({ equal }) => equal) ?? grades[0] ?? null,
    stats: {
      promptTokens: prompt.promptTokens,
      reusedTokens: 0,
      generatedTokens: steps.length,
      timeToFirstTokenMs: stats.number('timeToFirstTokenMs'),
      totalMs: stats.number('totalMs'),
      tokensPerSecond: stats.number('tokensPerSecond'),
      seed: file.integer('seed', { max: 2 ** 32 - 1 }),
      finishReason: oneOf(stats, 'finishReason', FINISH_REASONS),
    },
  };
}

function readAsked(file: JsonReader): Answer['asked'] {
  const adapter = file.has('adapter')
    ? { id: '', strength: file.object('adapter').number('strength') }
    : null;
  return {
    ...{ ...DEFAULT_SETTINGS, ...FIXED_SETTINGS, capture: true, adapter, picture: '' },
    question: textOf(file, 'question'),
    expected: file.has('expected') ? textOf(file, 'expected') : null,
    mode: oneOf<ReasoningMode>(file, 'mode', REASONING_MODES),
    seed: file.integer('seed', { max: 2 ** 32 - 1 }),
    temperature: file.number('temperature'),
  };
}

/**
 * Reads a trace.
 * @param name the file's name, for errors
 * @throws {DataError} `data/trace` naming the file and the field
 */
export async function readTrace(blob: Blob, name: string): Promise<Trace> {
  return traceOf(await parseTrace(blob, name), name);
}

/** What a file says, unread; the same errors as {@link readTrace}. */
export async function parseTrace(blob: Blob, name: string): Promise<unknown> {
  if (blob.size > MOST.bytes) {
    throw failure(`${name} is larger than ${MOST.bytes / 2 ** 20} MiB, the most that a trace may have`, '');
  }
  try {
    return JSON.parse(await blob.text());
  } catch (cause) {
    throw new DataError('data/trace', `${name} is not JSON, so it is no trace of an answer.`, {}, cause);
  }
}

/** Reads what a file says; the same errors as {@link readTrace}. */
export function traceOf(parsed: unknown, name: string): Trace {
  const file = new JsonReader(parsed, name, failure);
  if (file.raw('format') !== FORMAT) throw failure(`${name} is no trace of an answer`, 'format');
  if (file.raw('version') !== VERSION)
    file.fail('version', `must be ${VERSION}, which is what this page plays`);
  const pictures = listOf(file, 'pictures', MAX_PICTURES).map((value, i) =>
    readPicture(new JsonReader(value, name, failure, `pictures[${i}]`)),
  );
  const prompt = readPrompt(file.object('prompt'), name);
  if (pictures.length === 0 || pictures.length !== prompt.pictures.length) {
    file.fail('pictures', 'must be those that the prompt speaks of, at least one');
  }
  const cells = prompt.pictures.reduce((sum, picture) => sum + cellsOf(picture), 0);
  const steps = readSteps(file, name, cells);
  const result = readResult(file, steps, prompt);
  const answer: Answer = {
    ...{ number: 0, status: 'finished', recorded: true, error: null, prompt, steps, result },
    asked: readAsked(file),
    modelLabel: textOf(file, 'model', 300),
    adapterLabel: file.has('adapter') ? textOf(file.object('adapter'), 'name', 300) : null,
    text: result.text,
    segments: segmentsAfter(steps).at(-1) ?? [],
  };
  return { answer, pictures };
}
