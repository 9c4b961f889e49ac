// Grades the rows of a file, `{answer, expected}`, as training and evaluation grade: JSON lines, or one JSON list.
// A row that cannot be graded is named by its line (by its place in a list) and hinders no other.

import { type Grade, type GraderName, gradeAnswer } from '../src/answer/answer_grading';
import { BOX_OPENING } from '../src/answer/answer_grammar';
import { readAnswer } from '../src/answer/answer_reading';
import { expectedAnswers } from '../src/answer/expected_answers';
import { parseJson } from '../src/data/dataset/json_text';

/** A graded row: one JSON line of the command. */
export interface GradedRow extends Grade {
  /** Line of the file, or place in the list, from 1. */
  readonly line: number;
  /** What was graded: the answer, or what its last box holds. */
  readonly answer: string | null;
  /** The expected answer that decided. */
  readonly expected: string;
  /** What the row says of itself, where it does. */
  readonly labelled?: boolean;
}

/** A row that cannot be graded, with the reason. */
export interface BadRow {
  readonly line: number;
  readonly error: string;
}

/** The last line of the command. */
export interface GradeSummary {
  readonly rows: number;
  readonly graded: number;
  readonly equal: number;
  readonly bad: number;
  readonly grader: GraderName | 'default';
  /** Over the rows with an `equal` of their own; null where none has. */
  readonly agreement: {
    readonly rows: number;
    readonly agree: number;
    readonly disagree: readonly number[];
  } | null;
}

interface RawRow {
  readonly line: number;
  readonly value: unknown;
}

function parsed(text: string, line: number): RawRow | BadRow {
  try {
    return { line, value: parseJson(text) };
  } catch (error) {
    return { line, error: `is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function rawRows(text: string): (RawRow | BadRow)[] {
  const tidy = text.replace(/^\ufeff/, '');
  if (tidy.trimStart().startsWith('[')) {
    const list = parsed(tidy, 1);
    if ('value' in list && Array.isArray(list.value)) {
      return list.value.map((value: unknown, at) => ({ line: at + 1, value }));
    }
    // A first line may be a bad row that begins like a list.
    if (!tidy.trim().includes('\n')) return [list];
  }
  return tidy.split(/\r?\n/).flatMap((line, at) => (line.trim() === '' ? [] : [parsed(line, at + 1)]));
}

/** A text, or a number as it is written; undefined for anything else. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : undefined;
}

function gradeRow({ line, value }: RawRow, grader: GraderName | null): GradedRow | BadRow {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { line, error: 'is no object with answer and expected' };
  }
  const row = new Map<string, unknown>(Object.entries(value));
  const given = row.get('answer');
  const text = given === null ? null : textOf(given);
  if (text === undefined)
    return { line, error: `${row.has('answer') ? 'answer is no text or number' : 'has no answer'}` };
  const wanted = row.get('expected');
  const named = (Array.isArray(wanted) ? wanted : [wanted]).map(textOf);
  const known = named.filter((gold) => gold !== undefined && gold.trim() !== '') as string[];
  if (known.length === 0 || known.length < named.length) {
    const why = row.has('expected')
      ? 'expected is no text, number or list of them, or is empty'
      : 'has no expected';
    return { line, error: why };
  }
  // A whole completion is read as everywhere: its last box is the answer.
  const answer = text?.includes(BOX_OPENING) ? readAnswer(text).answer : text;
  const golds = known.flatMap(expectedAnswers);
  const grades = golds.map((gold) => ({ gold, grade: gradeAnswer(answer, gold, grader ?? undefined) }));
  const decided = grades.find(({ grade }) => grade.equal) ?? grades[0];
  if (decided === undefined) return { line, error: 'has no expected' };
  const label = row.get('equal');
  const labelled = typeof label === 'boolean' ? { labelled: label } : {};
  return { line, answer, expected: decided.gold, ...decided.grade, ...labelled };
}

/**
 * Grades every row of a text.
 * @param grader null takes the default for each expected answer
 */
export function gradeRows(
  text: string,
  grader: GraderName | null,
): { readonly rows: readonly (GradedRow | BadRow)[]; readonly summary: GradeSummary } {
  const rows = rawRows(text).map((row) => ('error' in row ? row : gradeRow(row, grader)));
  const graded = rows.flatMap((row) => ('error' in row ? [] : [row]));
  const own = graded.filter(({ labelled }) => labelled !== undefined);
  const disagree = own.filter(({ labelled, equal }) => labelled !== equal).map(({ line }) => line);
  const agreement = { rows: own.length, agree: own.length - disagree.length, disagree };
  const summary: GradeSummary = {
    rows: rows.length,
    graded: graded.length,
    equal: graded.filter(({ equal }) => equal).length,
    bad: rows.length - graded.length,
    grader: grader ?? 'default',
    agreement: own.length === 0 ? null : agreement,
  };
  return { rows, summary };
}
