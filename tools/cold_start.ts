// Command line: builds a cold-start set. `npm run cold-start -- --model ID|DIR (--count N | --dataset PATH) --out DIR`
// The base answers every problem several times; its chains are chosen by difficulty, a look back is put in, judged, and
// mixed with plain chains. Every stage is kept in --out, so that --resume goes on where a call ended.

import { encode } from 'fast-png';
import { acquireDevice } from '../src/gpu/device';
import { DataError } from '../src/lib/errors';
import { defined } from '../src/lib/invariant';
import { jsonLines } from '../src/lookback/cold_start/example_files';
import {
  annotationTask,
  type KeptLook,
  looksOfTexts,
  type OpenedChain,
  openChains,
  oracleLooks,
} from '../src/lookback/cold_start/insertion';
import { coldStartReport, judgeLooks, mixRows } from '../src/lookback/cold_start/judged_examples';
import { ModelAnswers } from '../src/lookback/cold_start/model_answers';
import { type StageParts, sampleLooks, sampleProblems } from '../src/lookback/cold_start/model_stages';
import { type ProblemSource, rowProblem, worldProblem } from '../src/lookback/cold_start/problem_source';
import { type Selection, selectChains } from '../src/lookback/cold_start/selection';
import { Reasoner } from '../src/lookback/reasoner';
import { COLD_START_USAGE, type ColdStartCall, readColdStartCall } from './cold_start_call';
import { ColdStartFiles, readWritten } from './cold_start_files';
import { closeDevice, log, runCommand } from './command_line';
import { decodeRow, usableRows } from './dataset_rows';
import { findModel } from './model_source';
import { createNodeGpu } from './node_gpu';

async function listSources(
  { dataset, settings }: ColdStartCall,
  signal: AbortSignal,
): Promise<ProblemSource[]> {
  if (dataset === null)
    return Array.from({ length: settings.count }, (_, index) =>
      worldProblem(
        settings,
        index,
        async (pixels) => new Blob([new Uint8Array(encode(pixels))], { type: 'image/png' }),
      ),
    );
  const { rows } = await usableRows(dataset, signal);
  return rows.slice(0, settings.count).map((row, index) => {
    const { question, answer, system, kind } = row;
    return rowProblem(
      { question, answer, system, kind, pixels: () => decodeRow(row), file: () => row.image() },
      index,
    );
  });
}

/** A model that is loaded when the first stage needs it. */
class LazyModel {
  readonly #call: Pick<ColdStartCall, 'precision' | 'model'>;
  readonly #signal: AbortSignal;
  #reasoner: Promise<Reasoner> | undefined;

  constructor(call: Pick<ColdStartCall, 'precision' | 'model'>, signal: AbortSignal) {
    this.#call = call;
    this.#signal = signal;
  }

  async open(first: number): Promise<ModelAnswers> {
    this.#reasoner ??= this.#load();
    return new ModelAnswers(await this.#reasoner, first);
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

/** Asks a model for a stage, with its progress on stderr. */
function stageParts(
  name: string,
  { settings }: ColdStartCall,
  store: ColdStartFiles,
  model: LazyModel,
  signal: AbortSignal,
): StageParts {
  const onProgress: StageParts['hooks']['onProgress'] = ({ done, total, secondsLeft }) => {
    if (secondsLeft !== null) log(`${name}: ${done} of ${total}, ${secondsLeft.toFixed(0)} s left`);
  };
  return { settings, store, open: (first) => model.open(first), hooks: { signal, onProgress } };
}

/** Tasks with their pictures for somebody else, or what somebody else wrote; null while it is missing. */
async function lookFile(
  opened: readonly OpenedChain[],
  { written }: ColdStartCall,
  files: ColdStartFiles,
): Promise<Map<string, KeptLook> | null> {
  if (written !== null) return looksOfTexts(opened, await readWritten(written)).looks;
  const tasks = await Promise.all(
    opened.map(async (one) => ({
      ...annotationTask(one),
      image: await files.writeImage(one.source.id, await one.source.file()),
    })),
  );
  await files.replaceText('tasks.jsonl', jsonLines(tasks));
  log(
    `${tasks.length} tasks are in ${files.path('tasks.jsonl')}, their pictures in ${files.path('dataset/images')}. ` +
      'Have them answered as lines {"id", "text"}, and call again with --resume --written FILE.',
  );
  return null;
}

async function build(signal: AbortSignal): Promise<void> {
  const call = readColdStartCall();
  const { settings } = call;
  const files = new ColdStartFiles(call.out);
  await files.begin(call.fixed, call.resume);
  const sources = await listSources(call, signal);
  const byId = new Map(sources.map((source) => [source.id, source]));
  const base = new LazyModel(call, signal);
  const writer = call.writer === null ? base : new LazyModel({ ...call, model: call.writer }, signal);
  try {
    const sampled = await sampleProblems(
      sources,
      stageParts('answers of the base', call, files, base, signal),
    );
    if (writer !== base) await base.close();
    const selection = selectChains(sampled, settings);
    const opened = openChains(selection.looks, byId, settings.position);
    const looks =
      settings.insert === 'oracle'
        ? oracleLooks(opened, settings.position)
        : settings.insert === 'file'
          ? await lookFile(opened, call, files)
          : await sampleLooks(opened, stageParts('looks', call, files, writer, signal));
    if (looks !== null) await finish(call, files, byId, selection, opened, looks);
  } finally {
    await base.close();
    if (writer !== base) await writer.close();
  }
}

/** Judges, mixes, and writes the data set and the report. */
async function finish(
  { settings, json }: ColdStartCall,
  files: ColdStartFiles,
  sources: ReadonlyMap<string, ProblemSource>,
  selection: Selection,
  opened: readonly OpenedChain[],
  looks: ReadonlyMap<string, KeptLook>,
): Promise<void> {
  const judged = judgeLooks(opened, [{ writer: settings.insert, looks }]);
  const mixed = mixRows(judged.rows, selection, settings);
  const rows = await Promise.all(
    mixed.map(async (row) => ({
      ...row,
      image: await files.writeImage(row.id, await defined(sources.get(row.id), row.id).file()),
    })),
  );
  await files.writeDataset(rows);
  const report = coldStartReport(selection, judged, rows);
  await files.replaceText('report.json', `${JSON.stringify(report, null, 2)}\n`);
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  const { problems, nowAndThen, selected, cutOff, accepted, examples, lookingBack } = report;
  if (examples === 0) {
    const why = accepted === 0 ? 'no look was accepted' : 'the base solved no other problem';
    const message = `There is no example: ${why}. ${files.path('report.json')} says why; ask for more problems, or another --reflection-rate.`;
    throw new DataError('data/dataset', message);
  }
  log(
    `${problems} problems, ${nowAndThen} solved now and then, ${selected} chosen, ${cutOff} looks cut off at --max-new-tokens, ${accepted} looks accepted; ` +
      `${examples} examples, ${lookingBack} of them look back: ${files.path('dataset')}`,
  );
}

await runCommand(COLD_START_USAGE, build);
