// Writes an experiment's page from its results: the protocol as it was committed, a table of every set, comparisons.

import { paperRows } from './experiment_paper';
import { accuracyOf, commitsOf, differenceOf, type ExperimentResults, rowsOf } from './experiment_results';
import { extraTables } from './experiment_tables';

const percent = (value: number): string => (100 * value).toFixed(1);
const points = (value: number): string => `${value < 0 ? '−' : '+'}${percent(Math.abs(value))}`;
const figure = (value: number | null): string => (value === null ? '–' : value.toFixed(3));
const cell = (text: string): string => text.replaceAll('|', '\\|');

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

function armRow(results: ExperimentResults, name: string, says: string, set: string): string | null {
  const accuracy = accuracyOf(results, name, set);
  if (accuracy === null) return null;
  const reports = rowsOf(results, name, set).map(({ report }) => report);
  const rate = (of: (report: (typeof reports)[number]) => number | null): number | null =>
    mean(reports.map(of));
  const { low, high } = accuracy;
  const cells = [
    ...[says, `**${percent(accuracy.mean)}** (${percent(low)} to ${percent(high)})`, String(accuracy.seeds)],
    ...[percent(rate((own) => own.triggerRate) ?? 0), percent(rate((own) => own.genuineScanRate) ?? 0)],
    ...[percent(rate((own) => own.emptyBackRate) ?? 0), figure(rate((own) => own.attention.late))],
    ...[figure(rate((own) => own.attention.inBack)), (rate((own) => own.meanLength) ?? 0).toFixed(1)],
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

function comparisonRow(
  results: ExperimentResults,
  says: ReadonlyMap<string, string>,
  pair: readonly [string, string],
  set: string,
): string | null {
  const found = differenceOf(results, pair, set);
  if (found === null) return null;
  const p = found.p === null ? '–' : found.p < 0.001 ? found.p.toExponential(1) : found.p.toFixed(3);
  const cells = [
    `${says.get(pair[1]) ?? pair[1]} − ${says.get(pair[0]) ?? pair[0]}`,
    `**${points(found.mean)}** (${points(found.low)} to ${points(found.high)})`,
    ...[String(found.gained), String(found.lost), p, String(found.seeds)],
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

function setPart(results: ExperimentResults, { name, count }: { name: string; count: number }): string[] {
  const { arms, comparisons } = results.experiment;
  const says = new Map(arms.map((arm) => [arm.name, arm.says]));
  const rows = arms.map((arm) => armRow(results, arm.name, arm.says, name)).filter((row) => row !== null);
  const pairs = comparisons
    .map((pair) => comparisonRow(results, says, pair, name))
    .filter((row) => row !== null);
  return [
    ...[`## ${name}`, '', `${count} questions, greedy, the same for all arms.`, ''],
    '| arm | right, % (95 % interval) | seeds | looked back, % | full scan, % | empty back, % | attention on the image: late thought | in back | tokens |',
    '|---|---|---|---|---|---|---|---|---|',
    ...[...rows, ''],
    ...(pairs.length === 0
      ? []
      : [
          '| difference | points (95 % interval) | gained | lost | p | seeds |',
          '|---|---|---|---|---|---|',
          ...[...pairs, ''],
        ]),
    ...extraTables(results, name),
  ];
}

/** What the paper found beside what was found here. */
function paperPart(results: ExperimentResults): string[] {
  const rows = paperRows(results);
  if (rows.length === 0) return [];
  return [
    ...['## The paper and this miniature', '', '| finding | paper | set | here |', '|---|---|---|---|'],
    ...rows.map(
      ({ says, paper, set, found }) =>
        `| ${[says, paper, set, found ?? 'not measured'].map(cell).join(' | ')} |`,
    ),
    '',
  ];
}

/** The first digits of a commit, and what is said behind it. */
const short = (commit: string): string => commit.replace(/^([\da-f]{12})[\da-f]+/, '$1');

/** The commit that gave the answers, or which arms' each of several gave. */
function sources(results: ExperimentResults): string {
  const commits = commitsOf(results);
  const armsOf = (commit: string): string => {
    const own = results.answers.filter((one) => one.commit === commit);
    return [...new Set(own.map(({ arm }) => arm))].join(', ');
  };
  const each = commits.map((commit) => short(commit) + (commits.length > 1 ? ` (${armsOf(commit)})` : ''));
  return `Sources: ${each.join('; ')}.`;
}

/** The page, in Markdown. */
export function experimentReport(results: ExperimentResults): string {
  const { experiment, missing, training, answers } = results;
  const devices = [...new Set(answers.map(({ device }) => device))].join('; ');
  const trained = Object.entries(training).map(
    ([folder, { steps, tokens, commit }]) =>
      `| ${folder} | ${steps} | ${tokens === 0 ? '–' : tokens} | ${short(commit)} |`,
  );
  return [
    ...[`# Experiment: ${experiment.name}`, '', experiment.question, ''],
    `\`npm run experiment -- ${experiment.name}\` ran it and wrote this page; the protocol is that of`,
    `[${experiment.name}.json](../../experiments/${experiment.name}.json), the outcome of every question is in`,
    `[${experiment.name}.json](${experiment.name}.json) here. Device: ${devices}. ${sources(results)}`,
    '',
    ...(missing.length === 0 ? [] : [`**Not whole**: ${missing.length} parts have not been run.`, '']),
    ...['## Protocol', ''],
    ...Object.entries(experiment.protocol).map(([name, text]) => `- **${name}**: ${text}`),
    '',
    'Intervals are over questions where there is one seed (Wilson; bootstrap for differences), over seeds and questions',
    'where there are several (crossed bootstrap). p is McNemar’s, exact, with one seed.',
    '',
    ...paperPart(results),
    ...experiment.sets.flatMap((set) => setPart(results, set)),
    ...(trained.length === 0
      ? []
      : [
          '## Training',
          '',
          '| stage | steps | sampled tokens | sources |',
          '|---|---|---|---|',
          ...trained,
          '',
        ]),
  ].join('\n');
}
