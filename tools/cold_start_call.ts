// Reads the arguments of `npm run cold-start`.

import { WEIGHT_PRECISIONS, type WeightPrecision } from '../src/model/weight_layout';
import { type ColdStartSettings, COLD_START_SETTINGS as SETTINGS } from '../src/settings/cold_start_settings';
import { choicesOf, type Setting, type ValueOf } from '../src/settings/setting';
import { readArguments, settingOption, UsageError } from './command_line';
import { precisionOption } from './model_source';

/** Writers of the command line: another model is `--writer`; who writes one by one does so in the page, or in a file. */
const WRITERS = ['oracle', 'self', 'file'] as const satisfies readonly ColdStartSettings['insert'][];

/** The usage, printed by --help and after a wrong call. */
export const COLD_START_USAGE = `usage: npm run cold-start -- --model ID|DIR --out DIR [--dataset PATH] [options]

  --model ID|DIR         the base: a built-in model or a Hugging Face folder
  --weights PRECISION    ${WEIGHT_PRECISIONS.join(' | ')} (default: by the model's size)
  --dataset PATH         problems of a data set, as the page imports it (default: the training split of the built-in world)
  --count N              problems (default ${SETTINGS.count.default}; for a data set all of them)
  --pictures KIND        ${choicesOf(SETTINGS.pictures).join(' | ')}: of the built-in world (default ${SETTINGS.pictures.default})
  --text-share P         share of its questions that the picture does not help with (default ${SETTINGS.textShare.default})
  --out DIR              every stage, and dataset/ with the examples
  --resume               go on where --out stopped
  --rollouts N           answers of the base to each problem (default ${SETTINGS.rollouts.default})
  --temperature T        of sampling (default ${SETTINGS.temperature.default})
  --max-new-tokens N     of an answer (default: the model's own limit)
  --batch B              problems at once (default ${SETTINGS.batch.default})
  --seed S               of questions, sampling and choices (default ${SETTINGS.seed.default})
  --looks N              problems to choose for a look back (default: all that serve)
  --hard-share P         share of them that the base rarely solves, with a wrong thought each (default ${SETTINGS.hardShare.default})
  --wrong-first P        chance of a wrong thought before the look for the others (default ${SETTINGS.wrongFirstShare.default})
  --position P           ${choicesOf(SETTINGS.position).join(' | ')}: where the look stands (default ${SETTINGS.position.default})
  --insert WHO           who writes the look: ${WRITERS.join(' | ')} (default oracle for the world, self for a data set)
  --writer ID|DIR        with --insert self, another model that writes it
  --tries N              with --insert self, answers that are sampled for each look; the first good one is taken (default ${SETTINGS.tries.default})
  --written FILE.jsonl   with --insert file, lines {"id", "text"}; without it the tasks are written for somebody to answer
  --reflection-rate P    share of the examples that look back (default ${SETTINGS.reflectionRate.default})
  --examples N           examples at most (default: all that the rate allows)
  --json                 print the report as one JSON object`;

/** Arguments, checked. */
export interface ColdStartCall {
  readonly model: string;
  readonly precision: WeightPrecision | undefined;
  readonly dataset: string | null;
  readonly out: string;
  readonly resume: boolean;
  readonly writer: string | null;
  readonly written: string | null;
  readonly json: boolean;
  readonly settings: ColdStartSettings;
  /** What has to stay the same when a cold start goes on. */
  readonly fixed: Readonly<Record<string, unknown>>;
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

function readOptions() {
  return readArguments({
    ...{ model: text, weights: text, dataset: text, out: text, resume: flag, json: flag },
    ...{ count: text, seed: text, pictures: text, 'text-share': text },
    ...{ rollouts: text, temperature: text, 'max-new-tokens': text, batch: text },
    ...{ looks: text, 'hard-share': text, 'wrong-first': text },
    ...{ position: text, insert: text, writer: text, tries: text, written: text },
    ...{ 'reflection-rate': text, examples: text },
  });
}

type Options = ReturnType<typeof readOptions>;
type OptionName = Exclude<keyof Options, 'resume' | 'json'>;

function readSettings(values: Options): ColdStartSettings {
  const option = <S extends Setting>(name: OptionName, setting: S): ValueOf<S> =>
    settingOption(name, setting, values[name]);
  const ofDataset = values.dataset !== undefined;
  const insert = values.insert ?? (ofDataset ? 'self' : SETTINGS.insert.default);
  if (!WRITERS.some((name) => name === insert))
    throw new UsageError(`--insert must be one of ${WRITERS.join(', ')}, not "${insert}".`);
  const count = { ...SETTINGS.count, default: ofDataset ? SETTINGS.count.max : SETTINGS.count.default };
  return {
    pictures: option('pictures', SETTINGS.pictures),
    textShare: option('text-share', SETTINGS.textShare),
    count: option('count', count as typeof SETTINGS.count),
    seed: option('seed', SETTINGS.seed),
    rollouts: option('rollouts', SETTINGS.rollouts),
    temperature: option('temperature', SETTINGS.temperature),
    maxNewTokens: option('max-new-tokens', SETTINGS.maxNewTokens),
    batch: option('batch', SETTINGS.batch),
    looks: option('looks', SETTINGS.looks),
    hardShare: option('hard-share', SETTINGS.hardShare),
    wrongFirstShare: option('wrong-first', SETTINGS.wrongFirstShare),
    position: option('position', SETTINGS.position),
    insert: insert as ColdStartSettings['insert'],
    tries: option('tries', SETTINGS.tries),
    reflectionRate: option('reflection-rate', SETTINGS.reflectionRate),
    examples: option('examples', SETTINGS.examples),
  };
}

/** Reads the process's arguments. @throws UsageError */
export function readColdStartCall(): ColdStartCall {
  const values = readOptions();
  const { model, out, dataset = null, writer = null, written = null, weights } = values;
  if (model === undefined) throw new UsageError('--model is missing.');
  if (out === undefined) throw new UsageError('--out is missing.');
  const settings = readSettings(values);
  const { insert } = settings;
  if (insert === 'oracle' && dataset !== null)
    throw new UsageError('--insert oracle needs the built-in world: a data set has no oracle.');
  if (writer !== null && insert !== 'self') throw new UsageError('--writer goes with --insert self.');
  if (written !== null && insert !== 'file') throw new UsageError('--written goes with --insert file.');
  const { batch: _, reflectionRate: __, examples: ___, ...lasting } = settings;
  const precision = precisionOption(weights);
  const fixed = { model, weights: weights ?? null, dataset, writer, ...lasting };
  const more = { resume: values.resume ?? false, json: values.json ?? false };
  return { model, precision, dataset, out, writer, written, settings, fixed, ...more };
}
