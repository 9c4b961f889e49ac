// Writes docs/results/pocket_training.md from runs and evaluations: `node tools/training_report.mjs SFT_RUN GRPO_RUN
// EVALUATIONS`.
// EVALUATIONS holds SET/ARM.json and SET/ARM.jsonl of `npm run evaluate -- --json --out` for the sets sheets (split test) and
// photographs and the arms base_cot, base_back, sft and grpo, each set on the same questions; other sets are listed with the
// arms that are there. Every figure of the page can be added up again from the per-question outcomes and metrics that are copied
// beside it.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const [sftRun, grpoRun, evaluations] = process.argv.slice(2);
if (!sftRun || !grpoRun || !evaluations) {
  console.error('usage: node tools/training_report.mjs SFT_RUN GRPO_RUN EVALUATIONS');
  process.exit(2);
}
const OUT = 'docs/results/pocket_training';
const ARMS = {
  base_cot: 'base, chain-of-thought prompt',
  base_back: 'base, back prompt',
  sft: 'SFT, back prompt',
  grpo: 'SFT, then GRPO, back prompt',
};
const lines = (file) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const percent = (value) => (100 * value).toFixed(1);
const figure = (value) => (value === null || value === undefined ? '–' : value.toFixed(3));

const SETS = { sheets: 'Sheets', photographs: 'Generated photographs' };
const OTHERS = {
  heldout: 'sheets, held-out pairs',
  renderer: 'sheets by another renderer',
  real: 'real pictures',
  text: 'questions without a picture',
};

mkdirSync(OUT, { recursive: true });
for (const old of readdirSync(OUT)) if (/^[a-z_]+\.jsonl$/.test(old)) rmSync(join(OUT, old));
const outcomes = {};
const reports = {};
for (const set of Object.keys({ ...SETS, ...OTHERS })) {
  for (const arm of Object.keys(ARMS)) {
    const name = `${set}_${arm}`;
    if (set in OTHERS && !existsSync(join(evaluations, set, `${arm}.json`))) continue;
    outcomes[name] = lines(join(evaluations, set, `${arm}.jsonl`)).sort((a, b) => a.index - b.index);
    reports[name] = lines(join(evaluations, set, `${arm}.json`)).at(-1);
    const rows = outcomes[name].map(({ text, ...row }) => `${JSON.stringify(row)}\n`);
    writeFileSync(join(OUT, `${name}.jsonl`), rows.join(''));
  }
}
copyFileSync(join(sftRun, 'metrics.jsonl'), join(OUT, 'metrics_sft.jsonl'));
copyFileSync(join(grpoRun, 'metrics.jsonl'), join(OUT, 'metrics_grpo.jsonl'));

/** Mean paired difference in points with its 95 % interval, normal approximation over questions. */
function paired(a, b) {
  const differences = outcomes[a].map((row, i) => {
    const other = outcomes[b][i];
    if (row.index !== other.index || row.expected !== other.expected)
      throw new Error(`${a} and ${b} differ at ${row.index}`);
    return Number(row.correct) - Number(other.correct);
  });
  const count = differences.length;
  const mean = differences.reduce((x, y) => x + y, 0) / count;
  const variance = differences.reduce((sum, d) => sum + (d - mean) ** 2, 0) / (count - 1);
  const half = 1.96 * Math.sqrt(variance / count);
  return `${percent(mean)} (${percent(mean - half)} to ${percent(mean + half)})`;
}

const WIDTH = 640;
const HEIGHT = 200;
/** Curves of some metrics in one picture, as they are, each on the scale 0 to 1. */
function curves(file, title, series) {
  const rows = lines(join(OUT, file));
  const x = (step) => 40 + ((WIDTH - 60) * (step - 1)) / Math.max(1, rows.length - 1);
  const y = (value, top) => HEIGHT - 24 - ((HEIGHT - 50) * value) / top;
  const parts = series.map(({ name, colour, dash = '', top = 1, label = name }, i) => {
    const points = rows
      .filter((row) => name in row && row[name] !== null)
      .map((row) => `${x(row.step).toFixed(1)},${y(row[name], top).toFixed(1)}`);
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5" stroke-dasharray="${dash}"/><text x="${44 + 190 * i}" y="14" font-size="11" fill="${colour}">${label}</text>`;
  });
  const axis = [0, 0.5, 1].map(
    (v) =>
      `<text x="4" y="${y(v, 1) + 4}" font-size="10" fill="#666">${v}</text><line x1="40" x2="${WIDTH - 20}" y1="${y(v, 1)}" y2="${y(v, 1)}" stroke="#ccc" stroke-width="0.5"/>`,
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" role="img" aria-label="${title}"><rect width="100%" height="100%" fill="#fff"/>${axis.join('')}${parts.join('')}<text x="${WIDTH - 90}" y="${HEIGHT - 6}" font-size="10" fill="#666">step ${rows.length}</text><text x="40" y="${HEIGHT - 6}" font-size="10" fill="#666">step 1</text></svg>\n`;
  writeFileSync(join(OUT, file.replace('.jsonl', '.svg').replace('metrics', 'curves')), svg);
}
curves('metrics_sft.jsonl', 'SFT by step', [
  { name: 'loss', colour: '#b45309', top: 0.1, label: 'loss × 10' },
  { name: 'mean_token_accuracy', colour: '#1d4ed8', label: 'token accuracy' },
]);
curves('metrics_grpo.jsonl', 'GRPO by step', [
  { name: 'accuracy/visual', colour: '#1d4ed8', label: 'accuracy, visual' },
  { name: 'look_back/trigger_rate', colour: '#047857', label: 'looked back, all' },
  { name: 'dropped_groups', colour: '#b45309', dash: '4 3', label: 'groups dropped' },
]);

const HEAD = `| arm | accuracy, % (95 % interval) | looked back, % | full scan, % | empty back, % | attention on the image: early | late think | in back, mean / peak | after | tokens |
|---|---|---|---|---|---|---|---|---|---|`;

/** One set: the arms side by side, paired differences, and GRPO by wording. */
function section([set, title]) {
  const table = Object.entries(ARMS).map(([arm, name]) => {
    const { accuracy, triggerRate, genuineScanRate, emptyBackRate, attention, meanLength } =
      reports[`${set}_${arm}`];
    return `| ${name} | **${percent(accuracy.mean)}** (${percent(accuracy.low)}–${percent(accuracy.high)}) | ${percent(triggerRate)} | ${percent(genuineScanRate)} | ${percent(emptyBackRate)} | ${figure(attention.early)} | ${figure(attention.late)} | ${figure(attention.inBack)} / ${figure(attention.backPeak)} | ${figure(attention.afterBack)} | ${meanLength.toFixed(1)} |`;
  });
  const { attention: back, byKind, count } = reports[`${set}_grpo`];
  const wordings = Object.entries(byKind)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([kind, own]) => `${kind} ${percent(own.accuracy.mean)} (${own.count})`);
  const difference = (a, b) => paired(`${set}_${a}`, `${set}_${b}`);
  return `## ${title}

${count} questions.

${HEAD}
${table.join('\n')}

Inside \`<back>\` attention on the image is ${(back.inBack / back.late).toFixed(2)} times that of the late thought (GRPO).
Paired differences in points, 95 % interval: GRPO − SFT ${difference('grpo', 'sft')};
GRPO − base chain-of-thought ${difference('grpo', 'base_cot')}; SFT − base chain-of-thought ${difference('sft', 'base_cot')}.

GRPO by kind and wording, % right (questions): ${wordings.join(' · ')}.
`;
}

const others = Object.entries(OTHERS).flatMap(([set, title]) =>
  Object.entries(ARMS).flatMap(([arm, name]) => {
    const report = reports[`${set}_${arm}`];
    if (report === undefined) return [];
    const { accuracy, triggerRate, emptyBackRate, count } = report;
    return `| ${title} | ${name} | ${count} | **${percent(accuracy.mean)}** (${percent(accuracy.low)}–${percent(accuracy.high)}) | ${percent(triggerRate)} | ${percent(emptyBackRate)} |`;
  }),
);
const window = 6;
const metrics = lines(join(OUT, 'metrics_grpo.jsonl'));
const mean = (rows, key) => rows.reduce((sum, row) => sum + (row[key] ?? 0), 0) / rows.length;
const steps = [];
for (let at = 0; at < metrics.length; at += window) {
  const rows = metrics.slice(at, at + window);
  steps.push(
    `| ${rows[0].step}–${rows.at(-1).step} | ${['accuracy/visual', 'accuracy/text', 'look_back/trigger_rate', 'look_back/strict_format_rate', 'look_back/empty_back_rate', 'completions/mean_length', 'dropped_groups', 'grad_norm'].map((key) => mean(rows, key).toFixed(3)).join(' | ')} |`,
  );
}
const { device, seed } = reports.sheets_grpo;
writeFileSync(
  `${OUT}.md`,
  `# Pocket learns to look back

Trained by our own kernels and trainers; every arm is evaluated on the same visual questions of a set (seed ${seed}), greedy,
paired; those about photographs are clear at δ 0.2. Device of training and evaluation: ${device} (software). Settings:
[SFT](../../configs/pocket_sft.json), [GRPO](../../configs/pocket_grpo.json). Outcomes per question and metrics per step lie in
[pocket_training](pocket_training). \`node tools/training_report.mjs\` writes this page from them.

Attention is the share of a generated token's attention on the image, mean over heads and layers: \`early\` tokens 1–8, \`late
think\` the last 12 tokens of the first thought, \`in back\` from \`<back>\` to its last token, \`after\` the second thought.

${Object.entries(SETS).map(section).join('\n')}
## Other questions

| set | arm | questions | accuracy, % (95 % interval) | looked back, % | empty back, % |
|---|---|---|---|---|---|
${others.join('\n')}

## SFT

![SFT by step](pocket_training/curves_sft.svg)

Examples are the base's own thoughts with an oracle's scan put in (\`src/lookback/cold_start.ts\`); half of those about the
picture look back, questions without a picture never do, since the strict grammar refuses a look without content.

## GRPO

![GRPO by step](pocket_training/curves_grpo.svg)

Sampled at temperature 1, means over steps; a quarter of the questions ignore the picture. Rewards: accuracy + 0.1 · strict format.

| steps | accuracy, visual | accuracy, text | looked back | strict form | empty back | tokens | groups dropped | gradient norm |
|---|---|---|---|---|---|---|---|---|
${steps.join('\n')}

## Again

The commands are in [tools/pocket/README.md](../../tools/pocket/README.md), under “A base becomes the shipped one”.
`,
);
console.log(`${OUT}.md`);
