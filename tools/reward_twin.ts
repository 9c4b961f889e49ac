// Command line: compares the rewards' Python twin with ours. `npm run reward-twin [-- --count N] [--seed S]`
// Generated and mutated completions with our results go to tools/python/compare_rewards.py as JSON lines; every number
// has to be equal. Needs Python 3 and nothing else.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { log, readArguments, runCommand, wholeNumber } from './command_line';
import type { AnswerPair } from './reward_cases';
import { compareWithTwin } from './reward_comparison';

const USAGE = `usage: npm run reward-twin [-- options]

  --count N      completions to compare (default 12000)
  --seed S       seed of the completions (default 1)
  --python FILE  the interpreter (default python3)`;

function collectedPairs(root: string): AnswerPair[] {
  const cases = JSON.parse(readFileSync(join(root, 'test/fixtures/grading.json'), 'utf8'));
  return (cases as { answer: string; expected: string }[]).map(({ answer, expected }) => [answer, expected]);
}

async function reward(): Promise<void> {
  const text = { type: 'string' } as const;
  const { count, seed, python = 'python3' } = readArguments({ count: text, seed: text, python: text });
  const root = process.env.LOOKBACK_ROOT ?? '.';
  const compared = await compareWithTwin({
    python,
    folder: join(root, 'tools/python'),
    seed: wholeNumber('seed', seed, 0, 1),
    count: wholeNumber('count', count, 1, 12_000),
    pairs: collectedPairs(root),
  });
  for (const line of compared.differences) log(line);
  process.stdout.write(`${JSON.stringify(compared.summary)}\n`);
  if (compared.summary.differing > 0) throw new Error('The twin differs from our rewards: see above.');
}

await runCommand(USAGE, reward);
