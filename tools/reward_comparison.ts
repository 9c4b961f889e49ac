// Runs the Python twin of the rewards over generated completions and reads what it says of them.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type AnswerPair, type RewardCase, rewardCase } from './reward_cases';

/** What to compare. */
export interface TwinComparison {
  /** The interpreter. */
  readonly python: string;
  /** Folder of compare_rewards.py and the twin. */
  readonly folder: string;
  readonly seed: number;
  readonly count: number;
  readonly pairs: readonly AnswerPair[];
  /** Changes a case before the twin sees it; a test shows with it that a difference is found. */
  readonly change?: (made: RewardCase) => RewardCase;
}

/** What came of it. */
export interface TwinReport {
  /** The first cases that differ, as JSON lines. */
  readonly differences: readonly string[];
  readonly summary: { readonly cases: number; readonly differing: number };
}

/** Compares the twin with our rewards. @throws Error with Python's own words when it cannot be run or fails */
export async function compareWithTwin(given: TwinComparison): Promise<TwinReport> {
  const { python, folder, seed, count, pairs, change = (made) => made } = given;
  const child = spawn(python, [join(folder, 'compare_rewards.py')], {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONIOENCODING: 'utf-8' },
  });
  const [out, err] = [[] as Buffer[], [] as Buffer[]];
  child.stdout.on('data', (part: Buffer) => out.push(part));
  child.stderr.on('data', (part: Buffer) => err.push(part));
  const ended = once(child, 'close');
  // A program that ends early closes its input; its own words say why.
  child.stdin.on('error', () => undefined);
  for (let index = 0; index < count && child.stdin.writable; index++) {
    const line = `${JSON.stringify(change(rewardCase(seed, index, pairs)))}\n`;
    if (!child.stdin.write(line)) await Promise.race([once(child.stdin, 'drain'), ended]);
  }
  child.stdin.end();
  await ended;
  const lines = Buffer.concat(out).toString('utf8').trim().split('\n');
  const last = lines.pop() ?? '';
  if (!last.startsWith('{"cases"')) {
    throw new Error(`${python} could not compare the rewards: ${Buffer.concat(err).toString('utf8').trim()}`);
  }
  return { differences: lines, summary: JSON.parse(last) as TwinReport['summary'] };
}
