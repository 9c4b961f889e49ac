// Command line: builds a cold-start set. `npm run cold-start -- --model ID|DIR (--count N | --dataset PATH) --out DIR`
// The base answers every problem several times; its chains are chosen by difficulty, a look back is put in, judged, and
// mixed with plain chains. Every stage is kept in --out, so that --resume goes on where a call ended.

import { encode } from 'fast-png';
import type { PixelArray } from '../src/data/image/pillow_resize';
import { IMAGE_SIDE } from '../src/data/world/grid';
import type { LookPosition } from '../src/data/world/oracle';
import { drawSample, type WorldSample } from '../src/data/world/world_sample';
import { acquireDevice } from '../src/gpu/device';
import { DataError } from '../src/lib/errors';
import { itemAt } from '../src/lib/invariant';
import { annotationTask, continued, forcedStart, openingOf } from '../src/lookback/cold_start/insertion';
import { type AnswerSampling, ModelAnswers } from '../src/lookback/cold_start/model_answers';
import { type Rejection, rejectionsOf } from '../src/lookback/cold_start/quality_filter';
import { mixExamples } from '../src/lookback/cold_start/reflection_mix';
import {
  type ColdStartProblem,
  type SampledProblem,
  sampledProblem,
} from '../src/lookback/cold_start/rollouts';
import { type SelectedChain, type Selection, selectChains } from '../src/lookback/cold_start/selection';
import { worldLook, worldOpening } from '../src/lookback/cold_start/world_example';
import { Reasoner } from '../src/lookback/reasoner';
import { COLD_START_USAGE, type ColdStartCall, readColdStartCall } from './cold_start_call';
import { ColdStartFiles, type ColdStartRow, readWritten } from './cold_start_files';
import { closeDevice, log, runCommand } from './command_line';
import { decodeRow, usableRows } from './dataset_rows';
import { findModel } from './model_source';
import { createNodeGpu } from './node_gpu';

/** A problem with its picture, and its facts where the world knows them. */
interface Source extends ColdStartProblem {
  pixels(): Promise<PixelArray>;
  /** Bytes for the data set, and their file extension. */
  file(): Promise<readonly [Uint8Array, string]>;
  readonly sample: WorldSample | null;
}

/** An answer with a look in it, by whom it was written. */
interface Written {
  readonly id: string;
  readonly texts: readonly string[];
}

const TEXT_SHARE = 0.2;
const FILES = { rollouts: 'rollouts.jsonl', tasks: 'tasks.jsonl', written: 'written.jsonl' } as const;

function worldSources({ count, seed }: ColdStartCall): Source[] {
  return Array.from({ length: count }, (_, index): Source => {
    const sample = drawSample({ split: 'train', seed, index, textShare: TEXT_SHARE });
    const pixels = (): PixelArray => ({
      width: IMAGE_SIDE,
      height: IMAGE_SIDE,
      channels: 3,
      data: sample.image(),
    });
    return {
      id: `train-${seed}-${index}`,
      question: sample.text,
      answer: sample.answer,
      kind: sample.wording,
      visual: sample.kind !== 'text',
      pixels: async () => pixels(),
      file: async () => [encode(pixels()), 'png'],
      sample,
    };
  });
}

async function datasetSources(path: string, count: number, signal: AbortSignal): Promise<Source[]> {
  const { rows } = await usableRows(path, signal);
  return rows.slice(0, count).map((row, index): Source => {
    const { question, answer, kind } = row;
    return {
      ...{ id: `row-${index}`, question, answer, kind, visual: true, sample: null },
      pixels: () => decodeRow(row),
      file: async () => {
        const blob = await row.image();
        const extension = blob.type.split('/')[1] ?? 'bin';
        return [new Uint8Array(await blob.arrayBuffer()), extension === 'jpeg' ? 'jpg' : extension];
      },
    };
  });
}

/** A model that is loaded when the first stage needs it. */
class LazyModel {
  readonly #call: Pick<ColdStartCall, 'precision'> & { readonly model: string };
  readonly #signal: AbortSignal;
  #reasoner: Promise<Reasoner> | undefined;

  constructor(call: Pick<ColdStartCall, 'precision'> & { readonly model: string }, signal: AbortSignal) {
    this.#call = call;
    this.#signal = signal;
  }

  get(): Promise<Reasoner> {
    this.#reasoner ??= this.#load();
    return this.#reasoner;
  }

  async #load(): Promise<Reasoner> {
    const { id, files } = await findModel(this.#call.model);
    const gpu = await acquireDevice({ gpu: createNodeGpu() });
    log(`${id} on ${gpu.traits.description}${gpu.traits.software ? ' (software)' : ''}`);
    return Reasoner.load(gpu, files, { signal: this.#signal, precision: this.#call.precision });
  }

  async close(): Promise<void> {
    const reasoner = await this.#reasoner?.catch(() => undefined);
    if (reasoner) await closeDevice(reasoner.model.device.gpu, reasoner);
  }
}

/** Runs a stage over what is left of it, wave by wave, and writes each wave's lines as it ends. */
async function inWaves<T>(
  name: string,
  left: readonly T[],
  size: number,
  signal: AbortSignal,
  wave: (items: readonly T[]) => Promise<void>,
): Promise<void> {
  const began = performance.now();
  for (let at = 0; at < left.length; at += size) {
    signal.throwIfAborted();
    await wave(left.slice(at, at + size));
    const done = Math.min(left.length, at + size);
    const seconds = (performance.now() - began) / 1000;
    const rest = (seconds / done) * (left.length - done);
    log(`${name}: ${done} of ${left.length}, ${rest.toFixed(0)} s left`);
  }
}

/** The base's answers to every problem. */
async function sampleProblems(
  sources: readonly Source[],
  call: ColdStartCall,
  files: ColdStartFiles,
  model: LazyModel,
  signal: AbortSignal,
): Promise<SampledProblem[]> {
  const known = await files.readLines<Written>(FILES.rollouts);
  const left = sources.filter(({ id }) => !known.has(id));
  if (left.length > 0) {
    const reasoner = await model.get();
    const sampling = samplingOf(call, reasoner, call.rollouts);
    const answers = new ModelAnswers(reasoner, known.size);
    try {
      await inWaves('answers of the base', left, call.batch, signal, async (wave) => {
        const prompts = await Promise.all(
          wave.map(async (source) => ({
            prepared: reasoner.prepare({ image: await source.pixels(), text: source.question, mode: 'cot' }),
            start: '',
          })),
        );
        const texts = await answers.wave(prompts, sampling, { signal });
        const rows = wave.map(({ id }, at): Written => ({ id, texts: itemAt(texts, at) }));
        for (const row of rows) known.set(row.id, row);
        await files.append(FILES.rollouts, rows);
      });
    } finally {
      answers.destroy();
    }
  }
  return sources.map(({ sample: _, pixels: __, file: ___, ...problem }) =>
    sampledProblem(problem, known.get(problem.id)?.texts ?? [], call.rollouts),
  );
}

function samplingOf(call: ColdStartCall, reasoner: Reasoner, count: number): AnswerSampling {
  const { temperature, seed, maxNewTokens } = call;
  return { count, temperature, seed, maxNewTokens: maxNewTokens ?? reasoner.prompts.maxNewTokens };
}

function openingFor({ chain }: SelectedChain, source: Source | undefined, position: LookPosition): string {
  return source?.sample ? worldOpening(chain.thought, position) : openingOf(chain.thought, position);
}

/** Answers that a model writes from the base's opening and an open look. */
async function writeByModel(
  looks: readonly SelectedChain[],
  sources: ReadonlyMap<string, Source>,
  call: ColdStartCall,
  files: ColdStartFiles,
  model: LazyModel,
  signal: AbortSignal,
): Promise<Map<string, Written>> {
  const known = await files.readLines<Written>(FILES.written);
  const left = looks.filter(({ sampled }) => !known.has(sampled.problem.id));
  if (left.length === 0) return known;
  const reasoner = await model.get();
  const answers = new ModelAnswers(reasoner, known.size);
  const sampling = samplingOf(call, reasoner, call.tries);
  try {
    await inWaves('looks', left, call.batch, signal, async (wave) => {
      const prompts = await Promise.all(
        wave.map(async (one) => {
          const source = sources.get(one.sampled.problem.id) as Source;
          const text = source.question;
          const prepared = reasoner.prepare({ image: await source.pixels(), text, mode: call.position });
          return { prepared, start: forcedStart(openingFor(one, source, call.position)) };
        }),
      );
      const texts = await answers.wave(prompts, sampling, { signal });
      const rows = wave.map(({ sampled }, at): Written => {
        const { start } = itemAt(prompts, at);
        return { id: sampled.problem.id, texts: itemAt(texts, at).map((text) => continued(start, text)) };
      });
      for (const row of rows) known.set(row.id, row);
      await files.append(FILES.written, rows);
    });
  } finally {
    answers.destroy();
  }
  return known;
}

/** What the oracle of the world writes: one answer each, always right. */
function writeByOracle(
  looks: readonly SelectedChain[],
  sources: ReadonlyMap<string, Source>,
  { position }: ColdStartCall,
): Map<string, Written> {
  const entries = looks.flatMap(({ sampled, chain }): [string, Written][] => {
    const { id } = sampled.problem;
    const sample = sources.get(id)?.sample;
    return sample ? [[id, { id, texts: [worldLook(position, chain.thought, sample)] }]] : [];
  });
  return new Map(entries);
}

/** Tasks with their pictures for somebody else, or what somebody else wrote; null while it is missing. */
async function writeByFile(
  looks: readonly SelectedChain[],
  sources: ReadonlyMap<string, Source>,
  call: ColdStartCall,
  files: ColdStartFiles,
): Promise<Map<string, Written> | null> {
  if (call.written !== null) {
    const given = await readWritten(call.written);
    return new Map([...given].map(([id, text]) => [id, { id, texts: [text] }]));
  }
  const tasks = await Promise.all(
    looks.map(async (one) => {
      const source = sources.get(one.sampled.problem.id) as Source;
      return {
        ...annotationTask(one, call.position),
        image: await files.writeImage(source.id, ...(await source.file())),
      };
    }),
  );
  await files.replace(FILES.tasks, tasks);
  log(
    `${tasks.length} tasks are in ${files.path(FILES.tasks)}, their pictures in ${files.path('dataset/images')}. ` +
      'Have them answered as lines {"id", "text"}, and call again with --resume --written FILE.',
  );
  return null;
}

/** How often a rule was broken, with the first few answers that did. */
interface RejectedBy {
  count: number;
  readonly examples: { readonly id: string; readonly why: string; readonly text: string }[];
}

interface Judged {
  readonly rows: readonly ColdStartRow[];
  readonly rejected: Readonly<Record<string, RejectedBy>>;
}

const EXAMPLES_PER_RULE = 3;

/** The first answer of each problem that breaks no rule; the rules broken by problems without one are counted. */
function judge(
  looks: readonly SelectedChain[],
  written: ReadonlyMap<string, Written>,
  sources: ReadonlyMap<string, Source>,
  call: ColdStartCall,
): Judged {
  const rejected: Record<string, RejectedBy> = {};
  const reject = (id: string, text: string, { rule, why }: Rejection): void => {
    rejected[rule] ??= { count: 0, examples: [] };
    const own = rejected[rule];
    own.count++;
    if (own.examples.length < EXAMPLES_PER_RULE) own.examples.push({ id, why, text });
  };
  const rows = looks.flatMap((one): ColdStartRow[] => {
    const { problem } = one.sampled;
    const opening = openingFor(one, sources.get(problem.id), call.position);
    const texts = written.get(problem.id)?.texts ?? [];
    const verdicts = texts.map((text) => ({
      text,
      broken: rejectionsOf({ text, opening, expected: problem.answer }),
    }));
    const good = verdicts.find(({ broken }) => broken.length === 0);
    if (good) return [rowOf(one, good.text, call.insert)];
    for (const { text, broken } of verdicts.slice(0, 1))
      for (const rejection of broken) reject(problem.id, text, rejection);
    return [];
  });
  return { rows, rejected };
}

function rowOf({ sampled, chain }: SelectedChain, response: string, writer: string | null): ColdStartRow {
  const { id, question, answer, kind } = sampled.problem;
  const about = { baseAccuracy: sampled.accuracy, wrongFirst: writer !== null && !chain.correct, writer };
  return { id, question, answer, response, kind, reflects: writer !== null, ...about };
}

async function build(signal: AbortSignal): Promise<void> {
  const call = readColdStartCall();
  const files = new ColdStartFiles(call.out);
  await files.begin(call.settings, call.resume);
  const listed =
    call.dataset === null ? worldSources(call) : await datasetSources(call.dataset, call.count, signal);
  const sources = new Map(listed.map((source) => [source.id, source]));
  const base = new LazyModel(call, signal);
  const writer = call.writer === null ? base : new LazyModel({ ...call, model: call.writer }, signal);
  try {
    const sampled = await sampleProblems(listed, call, files, base, signal);
    if (writer !== base) await base.close();
    const selection = selectChains(sampled, call);
    const written =
      call.insert === 'oracle'
        ? writeByOracle(selection.looks, sources, call)
        : call.insert === 'file'
          ? await writeByFile(selection.looks, sources, call, files)
          : await writeByModel(selection.looks, sources, call, files, writer, signal);
    if (written !== null) await finish(call, files, sources, selection, written);
  } finally {
    await base.close();
    if (writer !== base) await writer.close();
  }
}

/** Judges, mixes, and writes the data set and the report. */
async function finish(
  call: ColdStartCall,
  files: ColdStartFiles,
  sources: ReadonlyMap<string, Source>,
  selection: Selection,
  written: ReadonlyMap<string, Written>,
): Promise<void> {
  const { rows: looks, rejected } = judge(selection.looks, written, sources, call);
  const plains = selection.plains.map((one) => rowOf(one, one.chain.text, null));
  const most = call.examples ?? Number.POSITIVE_INFINITY;
  const mixed = mixExamples(looks, plains, { rate: call.reflectionRate, most, seed: call.seed });
  const rows = await Promise.all(
    mixed.map(async (row) => {
      const source = sources.get(row.id) as Source;
      return { ...row, image: await files.writeImage(row.id, ...(await source.file())) };
    }),
  );
  await files.writeDataset(rows);
  const report = {
    ...selection.counts,
    selected: selection.looks.length,
    written: [...written.values()].filter(({ texts }) => texts.length > 0).length,
    accepted: looks.length,
    rejected,
    examples: rows.length,
    lookingBack: rows.filter(({ reflects }) => reflects).length,
    wrongFirst: rows.filter(({ wrongFirst }) => wrongFirst).length,
  };
  await files.replaceText('report.json', `${JSON.stringify(report, null, 2)}\n`);
  if (call.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  if (rows.length === 0) {
    const why = looks.length === 0 ? 'no look was accepted' : 'the base solved no other problem';
    const message = `There is no example: ${why}. ${files.path('report.json')} says why; ask for more problems, or another --reflection-rate.`;
    throw new DataError('data/dataset', message);
  }
  const { problems, nowAndThen, selected, accepted, examples, lookingBack } = report;
  log(
    `${problems} problems, ${nowAndThen} solved now and then, ${selected} chosen, ${accepted} looks accepted; ` +
      `${examples} examples, ${lookingBack} of them look back: ${files.path('dataset')}`,
  );
}

await runCommand(COLD_START_USAGE, build);
