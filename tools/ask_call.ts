// Reads how `npm run ask` was called: the pictures, the question, and the settings of the answer.

import { WEIGHT_PRECISIONS, type WeightPrecision } from '../src/model/weight_layout';
import {
  ADAPTER_SETTINGS,
  type GenerationSettings,
  MAX_PICTURES,
  GENERATION_SETTINGS as SETTINGS,
} from '../src/settings/generation_settings';
import { choicesOf, rangeWords } from '../src/settings/setting';
import { readArguments, settingOption, UsageError } from './command_line';
import { precisionOption } from './model_source';

/** What `--help` says. */
export const ASK_USAGE = `usage: npm run ask -- --image FILE --question TEXT [options]

  --image FILE          PNG, JPEG, WebP, GIF, BMP or AVIF; up to ${MAX_PICTURES} times, as image 1, image 2 of the question
  --question TEXT       what to ask about it
  --mode MODE           ${choicesOf(SETTINGS.mode).join(' | ')} (default ${SETTINGS.mode.default})
  --model DIR|ID        a Hugging Face folder, a built-in model, or organisation/name[@revision] of the hub
                        (default: the first built-in)
  --weights PRECISION   ${WEIGHT_PRECISIONS.join(' | ')} (default: by the model's size)
  --adapter DIR|ZIP|ID  a PEFT adapter for it: a folder, a zip of the page, or organisation/name[@revision] of the hub
  --strength S          of the adapter, ${rangeWords(ADAPTER_SETTINGS.strength)}; 0 is the base, 1 the adapter as trained (default 1)
  --seed N              of sampling (default ${SETTINGS.seed.default})
  --temperature T       0 is greedy (default ${SETTINGS.temperature.default})
  --max-new-tokens N    (default: the model's own limit)
  --json                print one JSON object instead of text`;

/** A call; what was left out has its default, or is undefined where the model decides. */
export interface AskCall extends Pick<GenerationSettings, 'mode' | 'seed' | 'temperature' | 'maxNewTokens'> {
  /** Files, in the order of image 1, image 2. */
  readonly images: readonly string[];
  readonly question: string;
  readonly model: string | undefined;
  readonly precision: WeightPrecision | undefined;
  readonly adapter: string | undefined;
  readonly strength: number;
  readonly json: boolean;
}

/** Reads the arguments of this process. @throws UsageError naming what is missing, unknown or out of range */
export function readAskCall(): AskCall {
  const text = { type: 'string' } as const;
  const values = readArguments({
    image: { type: 'string', multiple: true },
    question: text,
    mode: text,
    ...{ model: text, weights: text, adapter: text, strength: text },
    seed: text,
    temperature: text,
    'max-new-tokens': text,
    json: { type: 'boolean' },
  });
  const { image: images = [], question } = values;
  if (images.length === 0) throw new UsageError('--image is missing.');
  if (images.length > MAX_PICTURES)
    throw new UsageError(`--image may be given ${MAX_PICTURES} times, not ${images.length}.`);
  if (question === undefined || question.trim() === '') throw new UsageError('--question is missing.');
  const strength = settingOption('strength', ADAPTER_SETTINGS.strength, values.strength);
  if (values.strength !== undefined && values.adapter === undefined)
    throw new UsageError('--strength needs --adapter.');
  return {
    images,
    question,
    model: values.model,
    precision: precisionOption(values.weights),
    adapter: values.adapter,
    strength,
    mode: settingOption('mode', SETTINGS.mode, values.mode),
    seed: settingOption('seed', SETTINGS.seed, values.seed),
    temperature: settingOption('temperature', SETTINGS.temperature, values.temperature),
    maxNewTokens: settingOption('max-new-tokens', SETTINGS.maxNewTokens, values['max-new-tokens']),
    json: values.json ?? false,
  };
}
