// Command line: says what the page's import would say of a data set on disk. `npm run check-data -- PATH [--json]`
// Prints columns, rows, problems, warnings and a preview; ends with code 1 when no row can be used.

import type { ImportProblem } from '../src/data/dataset/import_problems';
import { DataError } from '../src/lib/errors';
import { REASONING_MODES } from '../src/settings/reasoning_modes';
import { oneOf, readArgumentsWithWord, runCommand } from './command_line';
import { type CheckDataReport, checkData } from './dataset_check';

const USAGE = `usage: npm run check-data -- PATH [options]

  PATH           a table with its pictures beside it, a folder, or a zip
  --model ID|DIR whose prompts and pictures the preview shows (default: the first built-in)
  --split NAME   of a set with several (default: the one for training)
  --mode MODE    ${REASONING_MODES.join(' | ')} (default solution)
  --json         print one JSON object instead of text`;

function line({ file, row, reason }: ImportProblem): string {
  return `  ${file}${row === null ? '' : `, row ${row}`}: ${reason}`;
}

function columnNames(column: string | readonly string[] | null): string {
  const names = typeof column === 'string' ? [column] : (column ?? []);
  return names.length === 0 ? 'none' : names.join(' + ');
}

function printReport(report: CheckDataReport): void {
  const { path, format, table, columns, rows, problems, moreProblems, warnings, splits, preview } = report;
  const named = Object.entries(columns ?? {}).map(([field, column]) => `${field}: ${columnNames(column)}`);
  const lines = [
    `${path} (${format ?? 'not read'}), table ${table ?? 'none'}`,
    `columns      ${named.join(', ')}`,
    ...splits.map(
      ({ name, rows: count }) => `split        ${name}${count === null ? '' : `, ${count} rows`}`,
    ),
    `rows         ${rows.found} found, ${rows.usable} usable, ${rows.leftOut} left out`,
    ...(problems.length > 0 ? [`problems     ${problems.length + moreProblems}`, ...problems.map(line)] : []),
    ...(moreProblems > 0 ? [`  and ${moreProblems} more`] : []),
    ...(warnings.length > 0 ? [`warnings     ${warnings.length}`, ...warnings.map(line)] : []),
    ...preview.map(
      ({ row, prompt, answer, image, promptTokens }) =>
        `row ${row}: ${image.name}, ${image.width} × ${image.height} pixels resized to ${image.resizedWidth} × ${image.resizedHeight}, ${image.tokens} image tokens of ${promptTokens}; expected ${answer}\n${prompt}`,
    ),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function check(signal: AbortSignal): Promise<void> {
  const text = { type: 'string' } as const;
  const options = { model: text, mode: text, split: text, json: { type: 'boolean' } } as const;
  const { word, values } = readArgumentsWithWord('PATH', options);
  const mode = oneOf('mode', values.mode ?? 'solution', REASONING_MODES);
  const report = await checkData(
    { path: word, model: values.model, mode, split: values.split ?? null },
    signal,
  );
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else printReport(report);
  if (report.rows.usable === 0) {
    const reason = report.problems[0]?.reason ?? 'There is no row.';
    throw new DataError('data/dataset', `${word}: no row can be used: ${reason}`, { file: word });
  }
}

await runCommand(USAGE, check);
