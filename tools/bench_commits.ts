// `npm run bench -- commits --other DIR`: runs the decode and train benches of this checkout and of another one in turns, so that
// whatever else the machine does meets both, and prints how much faster this one is, row by row.

import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { itemAt } from '../src/lib/invariant';
import { median } from '../test/bench/train_shared';
import { log, UsageError, wholeNumber } from './command_line';
import { repositoryRoot } from './node_gpu';

const USAGE = `options of the commits bench:
  --other DIR   checkout of the other commit, with its packages installed
  --rounds N    turns of each (default 3)
  --steps N     steps measured in a turn (default 8)
  --only LIST   of browser, pocket, steps (default: all three)
  --json        one JSON object on stdout`;

/** Parts, with the bench that measures them. */
const PARTS = { browser: 'decode', pocket: 'decode', steps: 'train' } as const;

/** What both commits print of a row. */
interface BenchRow {
  readonly name: string;
  readonly ms: number;
  /** Of decoding with steps in flight, as answers are generated; of training, of whole steps. */
  readonly tokensPerSecond: number;
  readonly dispatches: number;
  readonly where: string;
}

/** A row of both commits. */
interface ComparedRow {
  readonly name: string;
  readonly where: string;
  /** Of this commit and of the other: milliseconds and tokens per second, medians over the rounds, and dispatches. */
  readonly ms: readonly [number, number];
  readonly tokensPerSecond: readonly [number, number];
  readonly dispatches: readonly [number, number];
  /** The other's time over this one's in every round. */
  readonly ratios: readonly number[];
  /** This one's tokens per second over the other's in every round. */
  readonly rateRatios: readonly number[];
}

/** Runs the bench. @throws UsageError; Error when a run fails */
export async function run(args: string[]): Promise<void> {
  const { other, rounds, steps, parts, json } = readCall(args);
  const folders = [repositoryRoot(), other] as const;
  const rows: ComparedRow[] = [];
  for (const part of parts) {
    const found = folders.map((): BenchRow[][] => []);
    for (let round = 0; round < rounds; round++) {
      // Who goes second may find a quieter machine: they change places.
      for (const at of round % 2 === 0 ? [0, 1] : [1, 0])
        found[at]?.push(measure(itemAt(folders, at), part, steps));
    }
    rows.push(...compared(itemAt(found, 0), itemAt(found, 1)));
  }
  for (const row of rows) log(formatRow(row));
  if (json) process.stdout.write(`${JSON.stringify({ rows })}\n`);
}

function readCall(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        other: { type: 'string' },
        rounds: { type: 'string' },
        steps: { type: 'string' },
        only: { type: 'string', default: Object.keys(PARTS).join(',') },
        json: { type: 'boolean', default: false },
      },
    });
    if (!values.other) throw new Error('--other is missing: say where the other checkout is.');
    const parts = values.only.split(',').map((part) => {
      if (part in PARTS) return part as keyof typeof PARTS;
      throw new Error(`There is no part "${part}".`);
    });
    const rounds = wholeNumber('rounds', values.rounds, 1, 3);
    const steps = wholeNumber('steps', values.steps, 1, 8);
    return { other: resolve(values.other), parts, rounds, steps, json: values.json };
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

/** One run of a part of a checkout's bench, in a process of its own. */
function measure(folder: string, part: keyof typeof PARTS, steps: number): BenchRow[] {
  const command = ['bench', PARTS[part], '--only', part, '--steps', String(steps), '--json'];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(folder, 'tools/run.mjs'), ...command],
    { cwd: folder, encoding: 'utf8', env: { ...process.env, LOOKBACK_ROOT: folder } },
  );
  if (status !== 0) throw new Error(`The ${PARTS[part]} bench of ${folder} failed:\n${stderr}`);
  const { rows } = JSON.parse(stdout) as { rows: BenchRow[] };
  const line = ({ name, ms, tokensPerSecond }: BenchRow): string =>
    `${folder}: ${name} ${ms.toFixed(1)} ms, ${tokensPerSecond.toFixed(0)} tokens/s`;
  log(rows.map(line).join('\n'));
  return rows;
}

function compared(ours: readonly BenchRow[][], theirs: readonly BenchRow[][]): ComparedRow[] {
  return itemAt(ours, 0).map(({ name, where, dispatches }, index) => {
    const columns = (key: 'ms' | 'tokensPerSecond') =>
      [ours, theirs].map((runs) => runs.map((rows) => itemAt(rows, index)[key])) as [number[], number[]];
    const [[own, others], [ownRates, otherRates]] = [columns('ms'), columns('tokensPerSecond')];
    return {
      ...{ name, where },
      ms: [median(own), median(others)],
      tokensPerSecond: [median(ownRates), median(otherRates)],
      dispatches: [dispatches, itemAt(itemAt(theirs, 0), index).dispatches],
      ratios: own.map((ms, round) => itemAt(others, round) / ms),
      rateRatios: ownRates.map((rate, round) => rate / itemAt(otherRates, round)),
    };
  });
}

function formatRow(row: ComparedRow): string {
  const each = (ratios: readonly number[]): string =>
    `${median(ratios).toFixed(2)} × (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})`;
  const both = (values: readonly number[], digits: number): string =>
    values.map((value) => value.toFixed(digits)).join(', the other ');
  return (
    `${row.name.padEnd(28)} ${both(row.ms, 1)} ms: ${each(row.ratios)} as fast; ` +
    `${both(row.tokensPerSecond, 0)} tokens/s: ${each(row.rateRatios)}; dispatches ${row.dispatches.join(', ')} (${row.where})`
  );
}
