// Writes the attention shares of answers as a table of comma-separated values: a row for each token.

import { cardOfStep, layoutCards } from './segment_layout';
import type { Answer } from './session';

const COLUMNS = ['answer', 'step', 'token_id', 'token', 'segment', 'image', 'question', 'own_words'] as const;
/** First characters that make a spreadsheet take a cell for a formula: what a model writes must not be run. */
const FORMULA = /^[=+\-@\t\r]/;

function cell(value: string | number): string {
  const text = typeof value === 'number' ? String(value) : value.replace(FORMULA, "'$&");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** An answer and what its rows are called. */
export interface NamedAnswer {
  readonly name: string;
  readonly answer: Answer;
}

function rowsOf({ name, answer }: NamedAnswer): (string | number)[][] {
  const cards = layoutCards(answer);
  return answer.steps.map(({ id, text, shares }, step) => [
    ...[name, step + 1, id, text, cards[cardOfStep(cards, step)]?.kind ?? ''],
    ...(shares === null ? ['', '', ''] : [shares.image, shares.query, shares.generated]),
  ]);
}

/** The table, with a line of names first. Shares are between 0 and 1 and empty where none was recorded; steps count from 1. */
export function sharesCsv(answers: readonly NamedAnswer[]): Blob {
  const lines = [[...COLUMNS], ...answers.flatMap(rowsOf)].map((row) => row.map(cell).join(','));
  return new Blob([`${lines.join('\r\n')}\r\n`], { type: 'text/csv' });
}
