// Packs what leaves an evaluation: a zip with its report and the outcomes of each side, as the command line writes and
// compares them, or one table for a spreadsheet.

import { zipSync } from 'fflate';
import type { SceneOutcome } from '../../lookback/evaluation';
import { EVALUATION_SETTINGS } from '../../settings/evaluation_settings';
import { type KeptEvaluation, questionsOf, viewOf } from './evaluation_view';

/** Names of the sides' files, in their order. */
const SIDE_FILES = ['first.jsonl', 'second.jsonl'] as const;

/** A zip with `report.json`, `first.jsonl` and, of two sides, `second.jsonl`. */
export function evaluationArchive(kept: KeptEvaluation): Blob {
  const { id: _, ...report } = viewOf(kept);
  const encoder = new TextEncoder();
  const files: Record<string, Uint8Array> = {
    'report.json': encoder.encode(`${JSON.stringify(report, null, 1)}\n`),
  };
  for (const [side, rows] of kept.sides.entries()) {
    const lines = rows.flatMap(({ outcome }) => (outcome === null ? [] : [`${JSON.stringify(outcome)}\n`]));
    files[SIDE_FILES[side] ?? `side${side}.jsonl`] = encoder.encode(lines.join(''));
  }
  return new Blob([zipSync(files) as Uint8Array<ArrayBuffer>], { type: 'application/zip' });
}

type Cell = string | number | boolean | null;

/** A cell by RFC 4180. Text that a spreadsheet would run as a formula gets an apostrophe before it, but for plain numbers. */
function cellText(cell: Cell): string {
  if (cell === null) return '';
  const text = String(cell);
  const formula = typeof cell === 'string' && /^[=+\-@\t\r]/.test(text) && !/^[+-]?\d+(\.\d+)?$/.test(text);
  const safe = formula ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const COLUMNS: readonly (readonly [string, (outcome: SceneOutcome) => Cell])[] = [
  ['answer', ({ answer }) => answer],
  ['correct', ({ correct }) => correct],
  ['first_correct', ({ firstCorrect }) => firstCorrect],
  ['looked_back', ({ triggered }) => triggered],
  ['empty_back', ({ emptyBack }) => emptyBack],
  ['tokens', ({ length }) => length],
  ['flops', ({ flops }) => flops],
  ['attention_late', ({ attention }) => attention.late],
  ['attention_in_back', ({ attention }) => attention.inBack],
  ['look', ({ intervention }) => intervention?.look ?? EVALUATION_SETTINGS.look.default],
  ['looks_replaced', ({ intervention }) => intervention?.looks ?? 0],
  ['tokens_put_there', ({ intervention }) => intervention?.forcedTokens ?? 0],
  ['text', ({ text }) => text],
];

/** A table with a line for each question and the columns of each side beside each other. */
export function evaluationTable(kept: KeptEvaluation): Blob {
  const sides = kept.sides.map((_, side) => (kept.sides.length === 1 ? '' : `_${side + 1}`));
  const head = [
    ...['index', 'kind', 'question', 'expected'],
    ...sides.flatMap((ending) => COLUMNS.map(([name]) => name + ending)),
  ];
  const lines = questionsOf(kept).map((row) => {
    const known = row.find((outcome) => outcome !== null);
    const own = row.flatMap((outcome) => COLUMNS.map(([, of]) => (outcome === null ? null : of(outcome))));
    return [
      known?.index ?? null,
      known?.kind ?? null,
      known?.question ?? null,
      known?.expected ?? null,
      ...own,
    ];
  });
  const text = [head, ...lines].map((line) => `${line.map(cellText).join(',')}\r\n`).join('');
  return new Blob([text], { type: 'text/csv' });
}
