// The tables that single experiments add to their page: what the answers of each arm take, and what became of their looks.

import type { EvaluationReport } from '../src/lookback/evaluation';
import type { ExtraTable } from './experiment_plan';
import { accuracyOf, type ExperimentResults, type KeptAnswers, rowsOf } from './experiment_results';

/** One column: its heading and, from the answers of an arm's seeds, its cell. */
type Column = readonly [heading: string, cell: (rows: readonly KeptAnswers[]) => string];

/** Mean over seeds; null where one of them has none, as results of earlier versions have. */
function mean(
  rows: readonly KeptAnswers[],
  of: (row: KeptAnswers) => number | null | undefined,
): number | null {
  const values = rows.map((row) => of(row) ?? null);
  return values.some((value) => value === null)
    ? null
    : values.reduce<number>((sum, value) => sum + (value ?? 0), 0) / values.length;
}

const column = (
  heading: string,
  of: (report: EvaluationReport) => number | null | undefined,
  places: number,
): Column => [heading, (rows) => mean(rows, ({ report }) => of(report))?.toFixed(places) ?? '–'];

/** A share of the first thoughts that name an answer before a look. */
const flips = (heading: string, of: (own: EvaluationReport['flips']) => number): Column =>
  column(heading, ({ flips: own }) => (own.judged === 0 ? null : (100 * of(own)) / own.judged), 1);

/** Share of the looks that are hollow; null where there is no look, or it was not kept. */
function hollowShare({ hollow, lookedBack }: KeptAnswers): number | null {
  const looks = [...lookedBack].filter((bit) => bit === '1').length;
  if (hollow === undefined || looks === 0) return null;
  return (100 * [...hollow].filter((bit) => bit === '1').length) / looks;
}

const COLUMNS: Readonly<Record<ExtraTable, readonly Column[]>> = {
  cost: [
    column('generated tokens', ({ meanLength }) => meanLength, 1),
    column('tokens put there', ({ cost }) => cost?.meanForcedTokens, 1),
    column('prompt tokens', ({ meanPromptTokens }) => meanPromptTokens, 1),
    column('million operations', ({ meanFlops }) => meanFlops / 1e6, 1),
    column('keys and values, KiB', ({ cost }) => cost?.meanCacheBytes && cost.meanCacheBytes / 1024, 1),
    column('seconds, median', ({ cost }) => cost?.medianSeconds, 3),
  ],
  looks: [
    column('looks replaced', ({ intervention }) => intervention?.looks ?? 0, 0),
    column('in answers', ({ intervention }) => intervention?.applied ?? 0, 0),
    column(
      'answers without a look',
      ({ intervention, givenNoBack }) => intervention?.withoutLook ?? givenNoBack.count,
      0,
    ),
    column('first thoughts that name an answer', ({ flips: { judged } }) => judged, 0),
    flips('of them stayed right, %', ({ stayedRight }) => stayedRight),
    flips('wrong to right, %', ({ wrongToRight }) => wrongToRight),
    flips('right to wrong, %', ({ rightToWrong }) => rightToWrong),
    flips('stayed wrong, %', ({ stayedWrong }) => stayedWrong),
  ],
  hollow: [
    column('looked back, %', ({ triggerRate }) => 100 * triggerRate, 1),
    ['hollow of these, %', (rows) => mean(rows, hollowShare)?.toFixed(1) ?? '–'],
    column('right, %', ({ accuracy }) => 100 * accuracy.mean, 1),
  ],
};

/** What is said above a table. */
const INTRODUCTIONS: Readonly<Record<ExtraTable, (results: ExperimentResults) => string>> = {
  cost: ({ experiment: { batch } }) =>
    `What an answer takes: means, and of the seconds the median, ${batch === undefined ? 'of a wave an equal share' : batch === 1 ? 'one question at a time' : `${batch} questions at once`}. Operations are those of matrix products; each token of the sequence counts as read once, and keys and values are those at its end.`,
  looks: () =>
    'What was done at the looks, and what came of the answer that the first thought named before it, where it names one.',
  hollow: () => 'Looks that are hollow: fewer than eight words, none, or a copy of a thought before them.',
};

/** The tables that an experiment asks for, of one set of questions, as lines of Markdown. */
export function extraTables(results: ExperimentResults, set: string): string[] {
  const { arms, tables } = results.experiment;
  return tables.flatMap((table) => {
    const columns = COLUMNS[table];
    const rows = arms.flatMap(({ name, says }) => {
      if (accuracyOf(results, name, set) === null) return [];
      const answers = rowsOf(results, name, set);
      const cells = [says.replaceAll('|', '\\|'), ...columns.map(([, cell]) => cell(answers))];
      return [`| ${cells.join(' | ')} |`];
    });
    const heads = ['arm', ...columns.map(([heading]) => heading)];
    return [
      ...[INTRODUCTIONS[table](results), '', `| ${heads.join(' | ')} |`, `|${'---|'.repeat(heads.length)}`],
      ...[...rows, ''],
    ];
  });
}
