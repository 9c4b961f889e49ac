// Reads the arguments of `npm run cold-start`.

import { WEIGHT_PRECISIONS, type WeightPrecision } from '../src/model/weight_layout';
import { EVALUATION_SETTINGS as SETTINGS } from '../src/settings/evaluation_settings';
import { GENERATION_SETTINGS } from '../src/settings/generation_settings';
import { oneOf, readArguments, settingOption, UsageError, wholeNumber } from './command_line';
import { precisionOption } from './model_source';

const POSITIONS = ['solution', 'semantic'] as const;
const WRITERS = ['oracle', 'self', 'file'] as const;
const DEFAULTS = {
  count: 200,
  rollouts: 12,
  tries: 4,
  batch: 8,
  hardShare: 0.2,
  wrongFirst: 0.5,
  reflection: 0.4,
} as const;

/** The usage, printed by --help and after a wrong call. */
export const COLD_START_USAGE = `usage: npm run cold-start -- --model ID|DIR --out DIR [--dataset PATH] [options]

  --model ID|DIR         the base: a built-in model or a Hugging Face folder
  --weights PRECISION    ${WEIGHT_PRECISIONS.join(' | ')} (default: by the model's size)
  --dataset PATH         problems of a data set, as the page imports it (default: the training split of the built-in world)
  --count N              problems (default ${DEFAULTS.count}; for a data set all of them)
  --out DIR              every stage, and dataset/ with the examples
  --resume               go on where --out stopped
  --rollouts N           answers of the base to each problem (default ${DEFAULTS.rollouts})
  --temperature T        of sampling (default 1)
  --max-new-tokens N     of an answer (default: the model's own limit)
  --batch B              problems at once (default ${DEFAULTS.batch})
  --seed S               of questions, sampling and choices (default 0)
  --looks N              problems to choose for a look back (default: all that serve)
  --hard-share P         share of them that the base rarely solves, with a wrong thought each (default ${DEFAULTS.hardShare})
  --wrong-first P        chance of a wrong thought before the look for the others (default ${DEFAULTS.wrongFirst})
  --position P           ${POSITIONS.join(' | ')}: where the look stands (default solution)
  --insert WHO           who writes the look: ${WRITERS.join(' | ')} (default oracle for the world, self for a data set)
  --writer ID|DIR        with --insert self, another model that writes it
  --tries N              with --insert self, answers that are sampled for each look; the first good one is taken (default ${DEFAULTS.tries})
  --written FILE.jsonl   with --insert file, lines {"id", "text"}; without it the tasks are written for somebody to answer
  --reflection-rate P    share of the examples that look back (default ${DEFAULTS.reflection})
  --examples N           examples at most (default: all that the rate allows)
  --json                 print the report as one JSON object`;

/** Arguments, checked. */
export interface ColdStartCall {
  readonly model: string;
  readonly precision: WeightPrecision | undefined;
  readonly dataset: string | null;
  readonly count: number;
  readonly out: string;
  readonly resume: boolean;
  readonly rollouts: number;
  readonly temperature: number;
  readonly maxNewTokens: number | null;
  readonly batch: number;
  readonly seed: number;
  readonly looks: number;
  readonly hardShare: number;
  readonly wrongFirstShare: number;
  readonly position: (typeof POSITIONS)[number];
  readonly insert: (typeof WRITERS)[number];
  readonly writer: string | null;
  readonly tries: number;
  readonly written: string | null;
  readonly reflectionRate: number;
  readonly examples: number | null;
  readonly json: boolean;
  /** What has to stay the same when a cold start goes on. */
  readonly settings: Readonly<Record<string, unknown>>;
}

function share(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new UsageError(`--${name} must be a number from 0 to 1, not "${text}".`);
}

function readColdStartOptions() {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  return readArguments({
    ...{
      model: text,
      weights: text,
      dataset: text,
      count: text,
      out: text,
      resume: flag,
      json: flag,
      seed: text,
    },
    ...{
      rollouts: text,
      temperature: text,
      'max-new-tokens': text,
      batch: text,
      looks: text,
      position: text,
    },
    ...{ 'hard-share': text, 'wrong-first': text, insert: text, writer: text, tries: text, written: text },
    ...{ 'reflection-rate': text, examples: text },
  });
}

/** Reads the process's arguments. @throws UsageError */
export function readColdStartCall(): ColdStartCall {
  const values = readColdStartOptions();
  const { model, out, dataset = null } = values;
  if (model === undefined) throw new UsageError('--model is missing.');
  if (out === undefined) throw new UsageError('--out is missing.');
  const insert = oneOf('insert', values.insert ?? (dataset === null ? 'oracle' : 'self'), WRITERS);
  if (insert === 'oracle' && dataset !== null)
    throw new UsageError('--insert oracle needs the built-in world: a data set has no oracle.');
  if (values.writer !== undefined && insert !== 'self')
    throw new UsageError('--writer goes with --insert self.');
  if (values.written !== undefined && insert !== 'file')
    throw new UsageError('--written goes with --insert file.');
  const whole = (name: 'rollouts' | 'tries' | 'batch', fallback: number): number =>
    wholeNumber(name, values[name], 1, fallback);
  const everything = Number.MAX_SAFE_INTEGER;
  const fixed = {
    model,
    weights: values.weights ?? null,
    dataset,
    count: wholeNumber('count', values.count, 1, dataset === null ? DEFAULTS.count : everything),
    rollouts: whole('rollouts', DEFAULTS.rollouts),
    temperature: settingOption(
      'temperature',
      { ...GENERATION_SETTINGS.temperature, default: 1 },
      values.temperature,
    ),
    maxNewTokens: settingOption('max-new-tokens', SETTINGS.maxNewTokens, values['max-new-tokens']),
    seed: settingOption('seed', { ...SETTINGS.seed, default: 0 }, values.seed),
    looks: wholeNumber('looks', values.looks, 0, everything),
    hardShare: share('hard-share', values['hard-share'], DEFAULTS.hardShare),
    wrongFirstShare: share('wrong-first', values['wrong-first'], DEFAULTS.wrongFirst),
    position: oneOf('position', values.position ?? 'solution', POSITIONS),
    insert,
    writer: values.writer ?? null,
    tries: whole('tries', DEFAULTS.tries),
  };
  return {
    ...fixed,
    precision: precisionOption(values.weights),
    out,
    resume: values.resume ?? false,
    batch: whole('batch', DEFAULTS.batch),
    written: values.written ?? null,
    reflectionRate: share('reflection-rate', values['reflection-rate'], DEFAULTS.reflection),
    examples: values.examples === undefined ? null : wholeNumber('examples', values.examples, 1, 1),
    json: values.json ?? false,
    settings: fixed,
  };
}
