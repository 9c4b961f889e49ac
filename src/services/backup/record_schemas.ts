// States what the records of a backup must be like before any of them is stored: types, ranges and lengths that the rest of
// the page relies on. Fields that are not named here pass as they are, so that a field that came later is not lost.

import * as v from 'valibot';
import { MOST_NOTES } from '../../lib/notes';
import { type PlainColumns, plainJson } from '../../lib/plain_json';
import { WEIGHT_PRECISIONS } from '../../model/weight_layout';
import { EVALUATION_SETTINGS } from '../../settings/evaluation_settings';
import { REASONING_MODES } from '../../settings/reasoning_modes';
import { choicesOf } from '../../settings/setting';
import type { StoreName } from '../../storage/database';
import type { PlainRecord } from '../../storage/item_tables';

const words = (most: number) => v.pipe(v.string(), v.maxLength(most));
const name = v.pipe(
  words(200),
  v.check((text) => text.trim() !== '', 'A name must not be empty'),
);
const text = words(100_000);
const answerText = words(2_000_000);
const key = v.pipe(words(100), v.regex(/^[\w-]+$/, 'An id has letters, digits, - and _ only'));
/** What an item refers to: ids here, or an id of the hub. */
const reference = words(400);
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const moment = v.pipe(v.number(), v.minValue(0), v.maxValue(8.64e15));
const finite = v.pipe(v.number(), v.finite());
/** Any number: a metric may be none. */
const number = v.custom<number>((value) => typeof value === 'number', 'Must be a number');
const numbers = v.record(words(200), number);
const optionalText = v.nullable(text);
const hash = words(128);
const form = v.picklist(['back', 'cot', 'none']);

/** An object as the import of files keeps one. */
function isPlainColumns(value: unknown): boolean {
  return typeof value === 'object' && !Array.isArray(value) && plainJson(value, -1) !== undefined;
}

const lora = v.looseObject({
  r: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_536)),
  loraAlpha: finite,
  ranks: v.optional(
    v.record(words(1000), v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_536))),
  ),
  alphas: v.optional(v.record(words(1000), finite)),
  loraDropout: finite,
  useRslora: v.boolean(),
  baseModel: words(1000),
  targetModules: v.union([text, v.array(words(1000))]),
});

const adapter = v.looseObject({
  ...{ id: key, name, notes: words(MOST_NOTES), modelId: reference, fingerprint: hash },
  precision: v.nullable(v.picklist(WEIGHT_PRECISIONS)),
  bundled: v.literal(false),
  config: lora,
  targetModules: v.array(words(1000)),
  ...{ parameters: whole, createdAt: moment, metrics: numbers },
  run: v.nullable(v.looseObject({ id: reference, method: v.picklist(['sft', 'grpo']), step: whole })),
});

const dataset = v.looseObject({
  ...{ id: key, name, createdAt: moment },
  origin: v.optional(
    v.looseObject({
      kind: v.literal('cold-start'),
      ...{ modelId: reference, fingerprint: hash, from: v.nullable(words(1000)) },
      settings: v.record(words(200), v.nullable(v.union([v.string(), v.number()]))),
      counts: v.record(words(200), v.number()),
    }),
  ),
});

const row = v.looseObject({
  index: whole,
  image: v.pipe(
    v.instance(ArrayBuffer),
    v.check(({ byteLength }) => byteLength > 0, 'A picture must not be empty'),
  ),
  ...{ mimeType: words(200), imageName: words(1000), question: text, answer: text, response: optionalText },
  system: v.optional(text),
  columns: v.optional(v.pipe(v.custom<PlainColumns>(isPlainColumns, 'Must be an object of plain data'))),
});

const source = v.variant('kind', [
  v.looseObject({ kind: v.literal('shapes_world') }),
  v.looseObject({ kind: v.literal('dataset'), datasetId: reference }),
]);

const run = v.looseObject({
  id: key,
  plan: v.looseObject({
    ...{
      name,
      method: v.picklist(['sft', 'grpo']),
      modelId: reference,
      adapterId: v.nullable(reference),
      // Backups of before a run was evaluated on another dataset have none.
      evalDatasetId: v.optional(v.nullable(reference)),
      source,
    },
    maxSteps: whole,
  }),
  state: v.picklist(['preparing', 'running', 'pausing', 'paused', 'finished', 'stopped', 'failed']),
  ...{ step: whole, createdAt: moment, updatedAt: moment, adapterId: v.nullable(reference) },
  reason: v.nullable(v.looseObject({ code: words(100), message: text })),
  // Backups of before there were notes have none.
  notes: v.optional(words(MOST_NOTES)),
});

const floats = v.instance(Float32Array);
const checkpoint = v.looseObject({
  ...{ step: whole, adapter: floats, m: floats, v: floats },
  // Backups of before the best adapter was kept have none.
  best: v.optional(
    v.nullable(
      v.looseObject({
        ...{ step: whole, metric: v.picklist(['loss', 'accuracy']), value: finite, adapter: floats },
      }),
    ),
  ),
  extra: v.looseObject({
    ...{ device: text, profile: text, modelId: reference, fingerprint: hash },
    precision: v.nullable(v.picklist(WEIGHT_PRECISIONS)),
    config: lora,
    modules: v.array(v.looseObject({ module: words(1000), shape: v.tuple([whole, whole]) })),
    start: v.nullable(
      v.looseObject({
        config: lora,
        weights: v.array(v.looseObject({ module: words(1000), a: floats, b: floats })),
      }),
    ),
  }),
});

const sample = v.looseObject({
  ...{
    question: text,
    expected: text,
    text: answerText,
    answer: optionalText,
    correct: v.boolean(),
    format: form,
  },
});

const group = v.looseObject({
  ...{ question: text, expected: text, image: v.nullable(v.instance(Blob)) },
  dropped: v.nullable(v.picklist(['uniform', 'truncated'])),
  completions: v.array(
    v.looseObject({
      ...{ text: answerText, answer: optionalText, correct: v.boolean(), format: form },
      ...{ tokens: whole, truncated: v.boolean(), rewards: numbers, reward: number, advantage: number },
      reasons: v.optional(
        v.record(
          words(200),
          v.looseObject({ why: text, span: v.nullable(v.looseObject({ start: whole, end: whole })) }),
        ),
      ),
    }),
  ),
});

const share = v.nullable(finite);
const lookChoice = v.picklist(choicesOf(EVALUATION_SETTINGS.look));
const outcome = v.looseObject({
  ...{ index: whole, kind: words(200), question: text, expected: text, answer: optionalText },
  ...{ correct: v.boolean(), firstCorrect: v.nullable(v.boolean()) },
  ...{ triggered: v.boolean(), emptyBack: v.boolean(), genuineScan: v.boolean(), format: form },
  ...{
    length: whole,
    finishReason: v.picklist(['eos', 'length', 'stopped']),
    promptTokens: whole,
    flops: finite,
  },
  attention: v.looseObject({ early: share, late: share, inBack: share, backPeak: share, afterBack: share }),
  intervention: v.optional(v.looseObject({ look: lookChoice, looks: whole, forcedTokens: whole })),
  ...{ backAt: v.nullable(whole), shares: v.array(share), text: answerText },
});

const evaluation = v.looseObject({
  id: key,
  plan: v.looseObject({
    ...{ source, count: whole },
    sides: v.pipe(
      v.array(
        v.looseObject({
          adapter: v.nullable(v.looseObject({ id: reference, name: words(1000), strength: finite })),
          mode: v.picklist(REASONING_MODES),
          look: v.optional(lookChoice),
        }),
      ),
      v.minLength(1),
      v.maxLength(2),
    ),
  }),
  ...{ modelId: reference, fingerprint: hash, device: text, createdAt: moment, seconds: v.array(finite) },
});

const lookWriter = v.looseObject({ id: reference, name: words(1000) });
const coldStart = v.looseObject({
  id: key,
  plan: v.looseObject({
    ...{ source, count: whole, writer: v.optional(lookWriter), writerModel: v.optional(lookWriter) },
    writerFingerprints: v.optional(v.record(reference, hash)),
  }),
  ...{ modelId: reference, fingerprint: hash },
  ...{ createdAt: moment, savedAs: v.nullable(words(1000)) },
});

const trace = v.looseObject({
  ...{ id: key, name, model: words(300), adapter: v.nullable(words(300)) },
  ...{ origin: v.picklist(['here', 'import']), createdAt: moment, usedAt: moment },
});
/** What such a file says is checked when it is opened. */
const traceFile = v.looseObject({
  file: v.pipe(
    v.instance(ArrayBuffer),
    v.check(({ byteLength }) => byteLength <= 2 ** 26, 'A look has at most 64 MiB'),
  ),
});

/** What a record of each store must be like; the field that holds the item's id is set afterwards. */
const SCHEMAS: { readonly [Store in StoreName]: v.GenericSchema<unknown, PlainRecord> } = {
  adapters: adapter,
  adapterWeights: v.looseObject({ weights: v.instance(Uint8Array) }),
  runs: run,
  checkpoints: checkpoint,
  metrics: v.looseObject({ step: whole, values: numbers }),
  samples: v.looseObject({ step: whole, samples: v.array(sample) }),
  groupSteps: v.looseObject({ step: whole, groups: v.array(group) }),
  datasets: dataset,
  rows: row,
  coldStarts: coldStart,
  coldStartTexts: v.looseObject({
    stage: v.union([
      v.picklist(['rollouts', 'self', 'file', 'hand']),
      v.pipe(v.string(), v.regex(/^(adapter|model):.{1,400}$/)),
    ]),
    ...{ problemId: words(1000), opening: v.nullable(answerText), texts: v.array(answerText) },
  }),
  traces: trace,
  traceFiles: traceFile,
  evaluations: evaluation,
  evaluationOutcomes: v.looseObject({ side: whole, index: whole, outcome: v.nullable(outcome) }),
};

/** What keeps a value from being a record of a store; null where nothing does. */
export function recordFault(store: StoreName, value: unknown): string | null {
  const { issues } = v.safeParse(SCHEMAS[store], value, { abortEarly: true });
  const [first] = issues ?? [];
  if (first === undefined) return null;
  const path = v.getDotPath(first);
  return `${path === null ? '' : `${path}: `}${first.message}`.slice(0, 300);
}
