// Command line: measures a model's answers over many questions. `npm run evaluate -- --model pocket --mode cot …`
// It is batched and resumable: each finished wave is appended to --out, and --resume skips what is there
// already. The report is computed from the outcomes alone, so interrupted and unbroken runs report the same, but for seconds.

import { appendFile, writeFile } from 'node:fs/promises';
import type { LookTagName } from '../src/answer/look_tags';
import type { QuestionKind } from '../src/data/world/question';
import { PICTURE_KINDS } from '../src/data/world/split_questions';
import { SPLITS, type Split } from '../src/data/world/world_sample';
import { acquireDevice } from '../src/gpu/device';
import { DataError } from '../src/lib/errors';
import { worldPixels } from '../src/lookback/cold_start/problem_source';
import { type EvaluationReport, type SceneOutcome, summarise } from '../src/lookback/evaluation';
import {
  answerInWaves,
  type EvaluationItem,
  evaluateItems,
  type LeftOut,
  splitItem,
} from '../src/lookback/evaluation_run';
import {
  PROBES,
  type ProbeAnswer,
  type ProbeReport,
  probeItems,
  summariseProbes,
} from '../src/lookback/probe';
import { Reasoner } from '../src/lookback/reasoner';
import { LoraAdapter } from '../src/model/lora';
import { WEIGHT_PRECISIONS, type WeightPrecision } from '../src/model/weight_layout';
import {
  type EvaluationSettings,
  EVALUATION_SETTINGS as SETTINGS,
} from '../src/settings/evaluation_settings';
import { LOOK_TAG } from '../src/settings/look_tag';
import type { ReasoningMode } from '../src/settings/reasoning_modes';
import { choicesOf } from '../src/settings/setting';
import { readAdapter, warnOfPrecision } from './adapter_folder';
import {
  closeDevice,
  log,
  oneOf,
  readArguments,
  runCommand,
  settingOption,
  UsageError,
  wholeNumber,
} from './command_line';
import { decodeRow, usableRows } from './dataset_rows';
import { readOutcomes } from './evaluate_outcomes';
import { findModel, precisionOption } from './model_source';
import { createNodeGpu } from './node_gpu';

/** The JSON of `evaluate --json`. */
export interface EvaluateReport extends EvaluationReport {
  readonly seconds: number;
  readonly model: string;
  /** Folder of the adapter that was applied. */
  readonly adapter: string | null;
  readonly mode: ReasoningMode;
  /** Name of the tags of a look back. */
  readonly lookTag: LookTagName;
  readonly grader: EvaluationSettings['grader'];
  /** What stands in the looks. */
  readonly look: EvaluationSettings['look'];
  /** Questions at once. */
  readonly batch: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly samplingSeed: number;
  /** Split of the built-in world, or the dataset's path. */
  readonly source: string;
  /** Rows of the dataset that could not be asked: refused, or with a picture that does not decode. */
  readonly leftOut: number;
  readonly seed: number;
  readonly device: string;
  /** How the model's weights were kept. */
  readonly weights: WeightPrecision;
}

/** The JSON of `evaluate --probe --json`. */
export interface EvaluateProbeReport {
  readonly probe: ProbeReport;
  readonly count: number;
  readonly seconds: number;
  readonly model: string;
  readonly adapter: string | null;
  readonly seed: number;
  readonly device: string;
  /** How the model's weights were kept. */
  readonly weights: WeightPrecision;
}

const USAGE = `usage: npm run evaluate -- --model ID|DIR --mode MODE (--split SPLIT | --dataset PATH) [options]

  --model ID|DIR        a built-in model or a Hugging Face folder
  --weights PRECISION   ${WEIGHT_PRECISIONS.join(' | ')} (default: by the model's size)
  --adapter DIR|ZIP|ID  a PEFT adapter for it; ID is organisation/name[@revision] of the hub
  --mode MODE           ${choicesOf(SETTINGS.mode).join(' | ')}
  --look-tag NAME       ${choicesOf(LOOK_TAG).join(' | ')}: the tags that its looks were trained with (default ${LOOK_TAG.default})
  --split SPLIT         ${SPLITS.join(' | ')}: questions of the built-in world; its photographs are generated
  --dataset PATH        a table with its pictures beside it, a folder or a zip, as the page imports it
  --count N             questions (default ${SETTINGS.count.default}; for a dataset all of them)
  --questions LIST      only these of them, numbered from 0 and separated by commas
  --visual              of a split, only questions that need the picture (default: a fifth do not)
  --kinds LIST          of a split, questions about the picture of these kinds alone: ${PICTURE_KINDS.join(', ')}
  --seed S              of the split (default ${SETTINGS.seed.default})
  --batch B             questions at once (default ${SETTINGS.batch.default})
  --max-new-tokens N    (default: the model's own limit)
  --temperature T       sample the answers (default ${SETTINGS.temperature.default}: greedy)
  --sampling-seed S     of sampling, with the number of each question (default ${SETTINGS.samplingSeed.default})
  --look LOOK           ${choicesOf(SETTINGS.look).join(' | ')}:
                        what stands in the looks of greedy answers (default ${SETTINGS.look.default}, the model's)
  --grader NAME         ${choicesOf(SETTINGS.grader).join(' | ')} (default ${SETTINGS.grader.default}: what the expected answer asks for)
  --out FILE.jsonl      write one outcome per line
  --resume              go on where --out stopped
  --probe               measure abilities instead: ${PROBES.join(', ')} (--count each)
  --json                print the report as one JSON object`;

interface Call extends EvaluationSettings {
  readonly lookTag: LookTagName;
  readonly model: string;
  readonly precision: WeightPrecision | undefined;
  readonly adapter: string | undefined;
  readonly split: Split;
  readonly dataset: string | undefined;
  readonly questions: ReadonlySet<number> | undefined;
  readonly visual: boolean;
  readonly kinds: readonly QuestionKind[] | undefined;
  readonly out: string | undefined;
  readonly resume: boolean;
  readonly probe: boolean;
  readonly json: boolean;
}

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;
const OPTIONS = {
  ...{ model: TEXT, adapter: TEXT, weights: TEXT, mode: TEXT, split: TEXT, dataset: TEXT, count: TEXT },
  ...{ seed: TEXT, batch: TEXT, questions: TEXT, kinds: TEXT, grader: TEXT, look: TEXT, out: TEXT },
  ...{ temperature: TEXT, 'max-new-tokens': TEXT, 'sampling-seed': TEXT, 'look-tag': TEXT },
  ...{ visual: FLAG, resume: FLAG, probe: FLAG, json: FLAG },
};

/** The options as they were given. @throws UsageError for one that is missing, and for two that exclude each other */
function readOptions() {
  const values = readArguments(OPTIONS);
  if (values.model === undefined) throw new UsageError('--model is missing.');
  if (values.split !== undefined && values.dataset !== undefined) {
    throw new UsageError('--split and --dataset exclude each other.');
  }
  if (!values.probe && values.mode === undefined) throw new UsageError('--mode is missing.');
  if (!values.probe && values.split === undefined && values.dataset === undefined) {
    throw new UsageError('--split or --dataset is missing.');
  }
  if (values.kinds !== undefined && values.split === undefined) {
    throw new UsageError('--kinds goes with --split.');
  }
  if (
    (values.look ?? SETTINGS.look.default) !== 'own' &&
    (Number(values.temperature ?? 0) !== 0 || values.probe)
  )
    throw new UsageError('--look goes with greedy answers: without --temperature and --probe.');
  if (values.resume && values.out === undefined) throw new UsageError('--resume needs --out.');
  return { ...values, model: values.model };
}

function readCall(): Call {
  const values = readOptions();
  const all = values.dataset !== undefined && values.count === undefined && !values.probe;
  return {
    model: values.model,
    precision: precisionOption(values.weights),
    adapter: values.adapter,
    mode: settingOption('mode', SETTINGS.mode, values.mode),
    lookTag: settingOption('look-tag', LOOK_TAG, values['look-tag']),
    split: oneOf('split', values.split ?? 'test', SPLITS),
    dataset: values.dataset,
    count: all ? Number.POSITIVE_INFINITY : settingOption('count', SETTINGS.count, values.count),
    questions: questionNumbers(values.questions),
    visual: values.visual ?? false,
    kinds: values.kinds?.split(',').map((kind) => oneOf('kinds', kind.trim(), PICTURE_KINDS)),
    seed: settingOption('seed', SETTINGS.seed, values.seed),
    batch: settingOption('batch', SETTINGS.batch, values.batch),
    grader: settingOption('grader', SETTINGS.grader, values.grader),
    maxNewTokens: settingOption('max-new-tokens', SETTINGS.maxNewTokens, values['max-new-tokens']),
    look: settingOption('look', SETTINGS.look, values.look),
    temperature: settingOption('temperature', SETTINGS.temperature, values.temperature),
    samplingSeed: settingOption('sampling-seed', SETTINGS.samplingSeed, values['sampling-seed']),
    out: values.out,
    resume: values.resume ?? false,
    probe: values.probe ?? false,
    json: values.json ?? false,
  };
}

function questionNumbers(list: string | undefined): ReadonlySet<number> | undefined {
  if (list === undefined) return undefined;
  return new Set(list.split(',').map((number) => wholeNumber('questions', number.trim(), 0, 0)));
}

/** Questions of a data set, with the count of rows that cannot be asked. */
async function datasetItems(file: string, count: number, signal: AbortSignal) {
  const { rows, leftOut } = await usableRows(file, signal);
  const items = rows.slice(0, count).map((row, index): EvaluationItem => {
    const { question, answer, system, kind } = row;
    const image = () => decodeRow(row);
    return { index, kind: kind ?? 'all', expected: answer, question, system, image };
  });
  return { items, leftOut };
}

/** Says after each wave how far it is and how long each question took; and what had to be left out. */
function progress(total: number): (wave: number, left: readonly LeftOut<unknown>[]) => void {
  const began = performance.now();
  let done = 0;
  return (wave, left) => {
    for (const { why } of left) log(`a question is left out: ${why.message}`);
    done += wave + left.length;
    log(`${done} of ${total}, ${((performance.now() - began) / 1000 / done).toFixed(3)} s each`);
  };
}

/** Outcomes that `--resume` goes on from. @throws DataError where they are of other questions, or of an earlier version */
async function keptOutcomes(
  { out, resume, look }: Call,
  items: readonly EvaluationItem[],
): Promise<Map<number, SceneOutcome>> {
  const known = new Map<number, SceneOutcome>();
  if (out === undefined) return known;
  if (resume) for (const outcome of await readOutcomes(out)) known.set(outcome.index, outcome);
  for (const { index, expected } of items) {
    const before = known.get(index);
    if (before === undefined) continue;
    const fault =
      before.expected !== expected
        ? 'holds other questions than these'
        : before.shares === undefined
          ? 'was written by an earlier version'
          : (before.intervention?.look ?? 'own') !== look
            ? `holds answers with other looks than "${look}"`
            : null;
    if (fault === null) continue;
    throw new DataError('data/row', `${out} ${fault}: remove it, or run without --resume.`);
  }
  // Rewritten, so that a half-written last line cannot run into the next one.
  await writeFile(out, lines([...known.values()]));
  if (known.size > 0) log(`${known.size} outcomes are there already`);
  return known;
}

function lines(outcomes: readonly SceneOutcome[]): string {
  return outcomes.map((outcome) => `${JSON.stringify(outcome)}\n`).join('');
}

async function evaluateQuestions(
  reasoner: Reasoner,
  call: Call,
  signal: AbortSignal,
): Promise<{ readonly outcomes: SceneOutcome[]; readonly leftOut: number }> {
  const source =
    call.dataset === undefined
      ? { items: Array.from({ length: call.count }, (_, index) => splitItem(call, index)), leftOut: 0 }
      : await datasetItems(call.dataset, call.count, signal);
  const { questions } = call;
  const items = source.items.filter(({ index }) => questions?.has(index) ?? true);
  const known = await keptOutcomes(call, items);
  const left = items.filter(({ index }) => !known.has(index));
  const tell = progress(left.length);
  let { leftOut } = source;
  await evaluateItems(
    reasoner,
    left,
    { ...call, signal },
    {
      onWave: async (outcomes, without) => {
        for (const outcome of outcomes) known.set(outcome.index, outcome);
        leftOut += without.length;
        if (call.out) await appendFile(call.out, lines(outcomes));
        tell(outcomes.length, without);
      },
    },
  );
  const asked = new Set(items.map(({ index }) => index));
  const outcomes = [...known.values()].sort((a, b) => a.index - b.index);
  return { outcomes: outcomes.filter(({ index }) => asked.has(index)), leftOut };
}

async function evaluateProbes(reasoner: Reasoner, call: Call, signal: AbortSignal): Promise<ProbeReport> {
  const results: ProbeAnswer[] = [];
  for (const probe of PROBES) {
    const items = probeItems(probe, call.seed, call.count).map((item) => ({
      ...item,
      image: async () => worldPixels(item.sample),
    }));
    log(`${probe}:`);
    // Plain and cot add no words for pocket; the probes are questions as they stand.
    const ask = ({ text }: { text: string }) => ({ text, mode: 'plain' as const });
    const tell = progress(items.length);
    await answerInWaves(
      reasoner,
      items,
      ask,
      { ...call, signal },
      {
        onWave: async (wave, left) => {
          for (const { item, answer } of wave) results.push({ item, text: answer.text });
          tell(wave.length, left);
        },
      },
    );
  }
  return summariseProbes(results);
}

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const kibibytes = (bytes: number | null): string =>
  bytes === null ? '–' : `${(bytes / 1024).toFixed(0)} KiB`;
const share = (value: number | null): string => (value === null ? '–' : value.toFixed(3));

const part = ({ count, accuracy }: EvaluateReport['givenBack']): string =>
  count === 0 ? '–' : `${percent(accuracy.mean)} of ${count}`;

/** How many looks an answer has that looks back, where some have several. */
const looksOf = ({ meanLooks }: EvaluateReport): string =>
  meanLooks && meanLooks > 1 ? `, ${meanLooks.toFixed(2)} times each` : '';

function printReport(report: EvaluateReport): void {
  const { accuracy, attention, flips, cost, intervention } = report;
  const lines = [
    `${report.count} questions of ${report.source}, ${report.model}${report.adapter === null ? '' : ` with ${report.adapter}`}, ${report.mode}`,
    `accuracy     ${percent(accuracy.mean)} (${percent(accuracy.low)} to ${percent(accuracy.high)})`,
    `looked back  ${percent(report.triggerRate)}${looksOf(report)}, full scan ${percent(report.genuineScanRate)}, empty ${percent(report.emptyBackRate)}`,
    `right when   it looked back ${part(report.givenBack)}, when not ${part(report.givenNoBack)}`,
    `flips        of ${flips.judged} first thoughts ${flips.wrongToRight} from wrong to right, ${flips.rightToWrong} from right to wrong`,
    `length       ${report.meanLength.toFixed(1)} tokens, cut off ${percent(report.truncatedRate)}`,
    `an answer    ${(report.meanFlops / 1e6).toFixed(1)} million operations, keys and values ${kibibytes(cost.meanCacheBytes)}, median ${share(cost.medianSeconds)} s`,
    ...(intervention === null
      ? []
      : [
          `its looks    ${intervention.look}: ${intervention.looks} in ${intervention.applied} answers, ${intervention.withoutLook} without a look; ${cost.meanForcedTokens.toFixed(1)} tokens put there`,
        ]),
    `on the image early ${share(attention.early)}, late ${share(attention.late)}, in back ${share(attention.inBack)} (peak ${share(attention.backPeak)}), after ${share(attention.afterBack)}`,
    ...Object.entries(report.byKind).map(
      ([kind, own]) =>
        `${kind.padEnd(28)} ${percent(own.accuracy.mean)} of ${own.count}, looked back ${percent(own.triggerRate)}`,
    ),
    ...(report.leftOut > 0 ? [`left out     ${report.leftOut} rows that cannot be asked`] : []),
    `${report.seconds.toFixed(1)} s on ${report.device}, weights ${report.weights}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function evaluate(signal: AbortSignal): Promise<void> {
  const call = readCall();
  const { id, files } = await findModel(call.model, signal);
  const gpu = await acquireDevice({ gpu: createNodeGpu() });
  const device = gpu.traits.description;
  log(`${id} on ${device}${gpu.traits.software ? ' (software)' : ''}`);
  const reasoner = await Reasoner.load(gpu, files, { signal, precision: call.precision });
  let adapter: LoraAdapter | null = null;
  try {
    if (call.adapter !== undefined) {
      const { config } = reasoner.model;
      const { config: lora, weights, precision } = await readAdapter(call.adapter, config, signal);
      warnOfPrecision({ precision }, reasoner.model.precision);
      adapter = LoraAdapter.create(gpu, lora, config, weights, false);
      reasoner.setAdapter(adapter);
    }
    const where = { model: id, adapter: call.adapter ?? null, device, weights: reasoner.model.precision };
    await measure(reasoner, call, where, signal);
  } finally {
    await closeDevice(gpu, reasoner);
  }
}

async function measure(
  reasoner: Reasoner,
  call: Call,
  where: Pick<EvaluateReport, 'model' | 'adapter' | 'device' | 'weights'>,
  signal: AbortSignal,
): Promise<void> {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const { seed, mode, lookTag, look, batch, grader, temperature, samplingSeed } = call;
  if (call.probe) {
    const probe = await evaluateProbes(reasoner, call, signal);
    const report: EvaluateProbeReport = { probe, count: call.count, seconds: seconds(), ...where, seed };
    for (const [name, own] of Object.entries(probe)) {
      log(
        `${name.padEnd(36)} ${own.mean.toFixed(3)} (${own.low.toFixed(3)} to ${own.high.toFixed(3)}) of ${own.count}`,
      );
    }
    if (call.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    return;
  }
  const { outcomes, leftOut } = await evaluateQuestions(reasoner, call, signal);
  const source = call.dataset ?? call.split;
  const asked = { mode, lookTag, look, batch, grader, temperature, samplingSeed, source, leftOut, seed };
  const measured = { seconds: seconds(), ...where, ...asked };
  const report: EvaluateReport = { ...summarise(outcomes), ...measured };
  if (call.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else printReport(report);
}

await runCommand(USAGE, evaluate);
