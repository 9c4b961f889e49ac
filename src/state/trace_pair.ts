// Writes and reads the trace of a comparison: two answers to one question, each as a trace has it, with the pictures once. A
// file of either kind is read by what it says it is.

import { DataError } from '../lib/errors';
import { type JsonFailure, JsonReader } from '../lib/json_reader';
import { ADAPTER_SETTINGS } from '../settings/generation_settings';
import type { Comparison } from './compare';
import type { Answer } from './session';
import { parseTrace, type Trace, type TracePicture, traceFile, traceOf } from './trace';

/** What a file that holds a comparison says first. */
const FORMAT = 'look-back comparison';
const VERSION = 1;
/** Characters of an adapter's name. */
const LONGEST_NAME = 300;

/** A trace, or a comparison of which `answer` is the adapter's. */
export interface OpenedTrace extends Trace {
  readonly comparison: Comparison | null;
}

const failure: JsonFailure = (message, key) => new DataError('data/trace', `${message}.`, { key });

/**
 * The file of two finished answers about the same pictures.
 * @throws {DataError} `data/trace` if one of them is missing, not finished, or lacks its prompt
 */
export async function writeTracePair(
  { choice, base, adapter }: Comparison,
  pictures: readonly TracePicture[],
): Promise<Blob> {
  if (base === null || adapter === null) {
    throw new DataError('data/trace', 'Only two finished answers can be saved as a comparison.');
  }
  const [first, { pictures: _, ...second }] = await Promise.all([
    traceFile({ answer: base, pictures }),
    traceFile({ answer: adapter, pictures: [] }),
  ]);
  const { name, strength } = choice;
  const file = { format: FORMAT, version: VERSION, choice: { name, strength }, base: first, adapter: second };
  return new Blob([JSON.stringify(file)], { type: 'application/json' });
}

function sameQuestion(base: Answer, adapter: Answer): boolean {
  return base.asked.question === adapter.asked.question && base.asked.seed === adapter.asked.seed;
}

function readPair(parsed: unknown, name: string): OpenedTrace {
  const file = new JsonReader(parsed, name, failure);
  if (file.raw('version') !== VERSION) {
    file.fail('version', `must be ${VERSION}, which is what this page plays`);
  }
  const choice = file.object('choice');
  const { min = 0, max = 1 } = ADAPTER_SETTINGS.strength;
  const strength = choice.number('strength');
  if (strength < min || strength > max) choice.fail('strength', `must lie between ${min} and ${max}`);
  const label = choice.string('name').slice(0, LONGEST_NAME);
  const inBase = file.raw('base');
  const base = traceOf(inBase, `${name}, base`);
  const { pictures } = inBase as { readonly pictures: unknown };
  const inAdapter = file.raw('adapter');
  const own = typeof inAdapter === 'object' && inAdapter !== null ? inAdapter : {};
  const adapter = traceOf({ ...own, pictures }, `${name}, adapter`);
  if (!sameQuestion(base.answer, adapter.answer)) {
    file.fail('adapter', 'must answer the question of "base" with its seed');
  }
  return {
    answer: adapter.answer,
    pictures: base.pictures,
    comparison: {
      choice: { id: '', name: label, strength },
      base: base.answer,
      adapter: adapter.answer,
      shown: 'adapter',
    },
  };
}

/**
 * Reads a trace or a comparison.
 * @param name the file's name, for errors
 * @throws {DataError} `data/trace` naming the file and the field
 */
export async function readTraceOrPair(blob: Blob, name: string): Promise<OpenedTrace> {
  const parsed = await parseTrace(blob, name);
  const format = typeof parsed === 'object' && parsed !== null && 'format' in parsed ? parsed.format : null;
  if (format === FORMAT) return readPair(parsed, name);
  return { ...traceOf(parsed, name), comparison: null };
}
