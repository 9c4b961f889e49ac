// Command line: grades answers as training and evaluation grade them. `npm run grade -- FILE.jsonl [--grader NAME]`
// Prints one JSON line for each row with the rule that decided, and a summary last; ends with code 1 for a bad row.

import { readFile, stat } from 'node:fs/promises';
import { GRADERS } from '../src/answer/answer_grading';
import { DataError } from '../src/lib/errors';
import { oneOf, readArgumentsWithWord, runCommand } from './command_line';
import { gradeRows } from './grade_rows';

const USAGE = `usage: npm run grade -- FILE [options]

  FILE            JSON lines or one JSON list of rows {answer, expected}; expected may list several right answers
  --grader NAME   ${GRADERS.join(' | ')} (default: method where a bare number is expected, strict elsewhere)`;

async function readRegularFile(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new DataError('data/dataset', `There is no file ${path}.`, { path });
  if (!found.isFile()) throw new DataError('data/dataset', `${path} is no file.`, { path });
  return readFile(path, 'utf8');
}

async function grade(): Promise<void> {
  const { word, values } = readArgumentsWithWord('FILE', { grader: { type: 'string' } });
  const grader = values.grader === undefined ? null : oneOf('grader', values.grader, GRADERS);
  const { rows, summary } = gradeRows(await readRegularFile(word), grader);
  for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
  process.stdout.write(`${JSON.stringify({ summary })}\n`);
  const bad = rows.flatMap((row) => ('error' in row ? [`line ${row.line} ${row.error}`] : []));
  if (rows.length === 0) throw new DataError('data/dataset', `${word} has no rows.`, { path: word });
  if (bad.length > 0) {
    const more = bad.length > 5 ? `, and ${bad.length - 5} more` : '';
    throw new DataError('data/dataset', `${word}: ${bad.slice(0, 5).join('; ')}${more}.`, { path: word });
  }
}

await runCommand(USAGE, grade);
