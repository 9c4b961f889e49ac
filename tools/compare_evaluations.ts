// Command line: compares two evaluations of the same questions. `npm run compare-evaluations -- A.jsonl B.jsonl`
// The files are what `npm run evaluate -- --out` writes; the second is held against the first.

import { parseArgs } from 'node:util';
import { DataError } from '../src/lib/errors';
import {
  compareKinds,
  compareOutcomes,
  type PairedComparison,
  type PairedOutcome,
  pairOutcomes,
} from '../src/lookback/paired_comparison';
import { runCommand, UsageError } from './command_line';
import { readRegularFile } from './regular_file';

const USAGE = `usage: npm run compare-evaluations -- FIRST.jsonl SECOND.jsonl [--json]

  Holds the second against the first, question by question: difference of the accuracies with its 95 % bootstrap interval,
  questions gained and lost, and the exact p of McNemar's test; for all questions and by kind.`;

/** Outcomes of a few hundred thousand questions. */
const MAX_BYTES = 2 ** 30;

async function readOutcomes(path: string): Promise<PairedOutcome[]> {
  const text = new TextDecoder().decode(await readRegularFile(path, MAX_BYTES));
  return text.split('\n').flatMap((line, at): PairedOutcome[] => {
    if (line.trim() === '') return [];
    const row = readLine(line);
    if (row !== null) return [row];
    throw new DataError('data/row', `${path}, line ${at + 1} is no outcome of npm run evaluate.`);
  });
}

function readLine(line: string): PairedOutcome | null {
  try {
    const { index, kind, expected, correct } = JSON.parse(line) as Record<string, unknown>;
    const whole = typeof index === 'number' && typeof kind === 'string' && typeof expected === 'string';
    return whole && typeof correct === 'boolean' ? { index, kind, expected, correct } : null;
  } catch {
    return null;
  }
}

function readCall(): { first: string; second: string; json: boolean } {
  try {
    const options = { json: { type: 'boolean' } } as const;
    const { positionals, values } = parseArgs({ options, strict: true, allowPositionals: true });
    const [first, second, ...more] = positionals;
    if (first === undefined || second === undefined || more.length > 0)
      throw new UsageError('Two files are compared.');
    return { first, second, json: values.json ?? false };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const points = (value: number): string => `${value < 0 ? '−' : '+'}${(100 * Math.abs(value)).toFixed(1)}`;

function line(name: string, { count, first, second, difference, gained, lost, p }: PairedComparison): string {
  const { mean, low, high } = difference;
  return (
    `${name.padEnd(28)} ${percent(first)} → ${percent(second)}, ${points(mean)} points (${points(low)} to ${points(high)}), ` +
    `gained ${gained}, lost ${lost}, p ${p < 0.001 ? p.toExponential(1) : p.toFixed(3)}, of ${count}`
  );
}

async function compare(): Promise<void> {
  const call = readCall();
  const [first, second] = await Promise.all([readOutcomes(call.first), readOutcomes(call.second)]);
  let pairs: [PairedOutcome, PairedOutcome][];
  try {
    pairs = pairOutcomes(first, second);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new DataError('data/row', `These files do not hold the same questions. ${error.message}`);
  }
  const all = compareOutcomes(pairs);
  const byKind = compareKinds(pairs);
  if (call.json) process.stdout.write(`${JSON.stringify({ ...all, byKind })}\n`);
  else
    process.stdout.write(
      `${[line('all', all), ...Object.entries(byKind).map(([kind, own]) => line(kind, own))].join('\n')}\n`,
    );
}

await runCommand(USAGE, compare);
