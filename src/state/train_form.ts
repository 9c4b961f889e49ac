// The fields of a training plan: how each is read and written, what it may hold, and when it means anything.
// No wording and no markup: the page names and places the fields; the engine checks a plan once more.
// Invariant: a plan without problems here is one that the engine's own check of settings accepts.

import type { DatasetSummary } from '../worker/protocol/library';
import type { TrainingPlan, TrainingSource } from '../worker/protocol/training';

/** What a field holds. */
export type FieldValue = string | number | boolean;

interface FieldBase {
  read(plan: TrainingPlan): FieldValue;
  write(plan: TrainingPlan, value: FieldValue): TrainingPlan;
  /** False while the setting has no effect on this plan. */
  applies(plan: TrainingPlan): boolean;
}

/** A number between `low` and `high`, both allowed. */
export interface NumberField extends FieldBase {
  readonly kind: 'number';
  readonly whole: boolean;
  readonly low: number;
  readonly high: number;
}

/** One of `options`. */
export interface ChoiceField extends FieldBase {
  readonly kind: 'choice';
  readonly options: readonly string[];
}

/** On or off. */
export interface ToggleField extends FieldBase {
  readonly kind: 'toggle';
}

/** Free text; `pattern` when it is a regular expression. */
export interface TextField extends FieldBase {
  readonly kind: 'text';
  readonly pattern: boolean;
}

/** Any of the four. */
export type Field = NumberField | ChoiceField | ToggleField | TextField;

type Section = 'lora' | 'optim' | 'sft' | 'grpo';
type Range = Pick<NumberField, 'whole' | 'low' | 'high'>;
type When = (plan: TrainingPlan) => boolean;
type KeysOf<T, V> = Extract<{ [K in keyof T]: T[K] extends V ? K : never }[keyof T], string>;

const MANY = 1_000_000;
const always: When = () => true;
const inSft: When = (plan) => plan.method === 'sft';
const inGrpo: When = (plan) => plan.method === 'grpo';
/** SFT samples answers at its evaluations, as long as GRPO's may be. */
const samples: When = ({ sft }) => sft.evalSteps > 0 && sft.evalSamples > 0;
const newAdapter: When = (plan) => plan.adapterId === null;
const inWorld: When = (plan) => plan.source.kind === 'shapes_world';
const SECTION_APPLIES: Readonly<Record<Section, When>> = {
  lora: newAdapter,
  optim: always,
  sft: inSft,
  grpo: inGrpo,
};

const whole = (low: number, high = MANY): Range => ({ whole: true, low, high });
const real = (low: number, high: number): Range => ({ whole: false, low, high });

/** Reads and writes one key of a section of the plan. */
function at<S extends Section>(
  section: S,
  key: KeysOf<TrainingPlan[S], FieldValue>,
  applies?: When,
): FieldBase {
  return {
    read: (plan) => plan[section][key] as FieldValue,
    write: (plan, value) => ({ ...plan, [section]: { ...plan[section], [key]: value } }),
    applies: applies ?? SECTION_APPLIES[section],
  };
}

function top(key: KeysOf<TrainingPlan, FieldValue>): FieldBase {
  return {
    read: (plan) => plan[key],
    write: (plan, value) => ({ ...plan, [key]: value }),
    applies: always,
  };
}

type World = Extract<TrainingSource, { kind: 'shapes_world' }>;

/** A number of the built-in world; a dataset reads 0 and keeps nothing. */
function inSource(key: KeysOf<World, number>, applies: When): FieldBase {
  return {
    read: ({ source }) => (source.kind === 'shapes_world' ? source[key] : 0),
    write: (plan, value) =>
      plan.source.kind === 'shapes_world' ? { ...plan, source: { ...plan.source, [key]: value } } : plan,
    applies: (plan) => inWorld(plan) && applies(plan),
  };
}

function reward(name: string): FieldBase {
  return {
    read: (plan) => plan.grpo.rewardWeights[name] ?? 0,
    write: (plan, value) => {
      const rewardWeights = { ...plan.grpo.rewardWeights, [name]: value as number };
      return { ...plan, grpo: { ...plan.grpo, rewardWeights } };
    },
    applies: inGrpo,
  };
}

const number = (range: Range, base: FieldBase): NumberField => ({ kind: 'number', ...range, ...base });
const toggle = (base: FieldBase): ToggleField => ({ kind: 'toggle', ...base });
const choice = (options: readonly string[], base: FieldBase): ChoiceField => ({
  kind: 'choice',
  options,
  ...base,
  write: (plan, value) => (options.includes(String(value)) ? base.write(plan, value) : plan),
});

/** Every field of the form by its path in the plan. Source and adapter are no fields: they choose among stored things. */
export const FIELDS = {
  name: { kind: 'text', pattern: false, ...top('name') } as Field,
  method: choice(['sft', 'grpo'], top('method')) as Field,
  mode: choice(['plain', 'cot', 'semantic', 'solution'], top('mode')) as Field,
  maxSteps: number(whole(1), top('maxSteps')) as Field,
  seed: number(whole(0, 0xffffffff), top('seed')) as Field,
  saveSteps: number(whole(1), top('saveSteps')) as Field,
  tokensPerMicroBatch: number(whole(1), top('tokensPerMicroBatch')) as Field,
  gradientCheckpointing: toggle(top('gradientCheckpointing')) as Field,
  'source.textShare': number(real(0, 1), inSource('textShare', always)) as Field,
  'source.scenes': number(whole(1), inSource('scenes', inSft)) as Field,
  'source.rolloutsPerScene': number(whole(1, 64), inSource('rolloutsPerScene', inSft)) as Field,
  'source.reflectionRate': number(real(0, 1), inSource('reflectionRate', inSft)) as Field,
  'lora.r': number(whole(1, 1024), at('lora', 'r')) as Field,
  'lora.loraAlpha': number(real(1e-6, 1e6), at('lora', 'loraAlpha')) as Field,
  'lora.loraDropout': number(real(0, 0.99), at('lora', 'loraDropout')) as Field,
  'lora.targetModules': { kind: 'text', pattern: true, ...at('lora', 'targetModules') } as Field,
  'optim.learningRate': number(real(0, 10), at('optim', 'learningRate')) as Field,
  'optim.lrSchedulerType': choice(['constant', 'linear', 'cosine'], at('optim', 'lrSchedulerType')) as Field,
  'optim.warmupSteps': number(whole(0), at('optim', 'warmupSteps')) as Field,
  'optim.weightDecay': number(real(0, 1), at('optim', 'weightDecay')) as Field,
  'optim.adamBeta1': number(real(0, 0.999999), at('optim', 'adamBeta1')) as Field,
  'optim.adamBeta2': number(real(0, 0.999999), at('optim', 'adamBeta2')) as Field,
  'optim.adamEpsilon': number(real(1e-15, 1), at('optim', 'adamEpsilon')) as Field,
  'optim.maxGradNorm': number(real(0, 1e9), at('optim', 'maxGradNorm')) as Field,
  'sft.batchSize': number(whole(1, 4096), at('sft', 'batchSize')) as Field,
  'sft.numTrainEpochs': number(real(0, 1e6), at('sft', 'numTrainEpochs')) as Field,
  'sft.maxLength': number(whole(2), at('sft', 'maxLength')) as Field,
  'sft.evalSteps': number(whole(0), at('sft', 'evalSteps')) as Field,
  'sft.evalSize': number(whole(0), at('sft', 'evalSize')) as Field,
  'sft.evalSamples': number(whole(0, 256), at('sft', 'evalSamples')) as Field,
  'grpo.promptsPerStep': number(whole(1, 1024), at('grpo', 'promptsPerStep')) as Field,
  'grpo.numGenerations': number(whole(2, 256), at('grpo', 'numGenerations')) as Field,
  'grpo.maxCompletionLength': number(
    whole(1),
    at('grpo', 'maxCompletionLength', (plan) => inGrpo(plan) || samples(plan)),
  ) as Field,
  'grpo.temperature': number(real(1e-3, 100), at('grpo', 'temperature')) as Field,
  'grpo.topP': number(real(1e-3, 1), at('grpo', 'topP')) as Field,
  'grpo.lossType': choice(['grpo', 'bnpo', 'dr_grpo', 'dapo'], at('grpo', 'lossType')) as Field,
  'grpo.epsilon': number(real(0, 10), at('grpo', 'epsilon')) as Field,
  'grpo.epsilonHigh': number(real(0, 10), at('grpo', 'epsilonHigh')) as Field,
  'grpo.beta': number(real(0, 100), at('grpo', 'beta')) as Field,
  'grpo.numIterations': number(whole(1, 64), at('grpo', 'numIterations')) as Field,
  'grpo.scaleRewards': choice(['group', 'none', 'std_floor'], at('grpo', 'scaleRewards')) as Field,
  'grpo.stdFloor': number(
    real(1e-6, 100),
    at('grpo', 'stdFloor', (plan) => inGrpo(plan) && plan.grpo.scaleRewards === 'std_floor'),
  ) as Field,
  'grpo.dropUniformGroups': choice(['none', 'reward', 'accuracy'], at('grpo', 'dropUniformGroups')) as Field,
  'grpo.maskTruncatedCompletions': toggle(at('grpo', 'maskTruncatedCompletions')) as Field,
  'grpo.rewardWeights.accuracy': number(real(-100, 100), reward('accuracy')) as Field,
  'grpo.rewardWeights.format': number(real(-100, 100), reward('format')) as Field,
  'grpo.rewardWeights.format_paper': number(real(-100, 100), reward('format_paper')) as Field,
  'grpo.rewardWeights.length': number(real(-100, 100), reward('length')) as Field,
} as const;

/** Path of a field in the plan. */
export type FieldId = keyof typeof FIELDS;

/** The paths, in the order of {@link FIELDS}. */
export const FIELD_IDS = Object.keys(FIELDS) as readonly FieldId[];

/** What is wrong with a plan; the page has the words. */
export type PlanProblem =
  | { readonly field: FieldId; readonly must: 'number' | 'whole' | 'range' | 'text' | 'pattern' }
  | { readonly field: 'sft.evalSize'; readonly must: 'leave' }
  | { readonly field: 'source'; readonly must: 'dataset' | 'responses' | 'rows' };

function isPattern(text: string): boolean {
  try {
    new RegExp(`^(?:${text})$`);
    return true;
  } catch {
    return false;
  }
}

function problemOf(id: FieldId, plan: TrainingPlan): PlanProblem | null {
  const field = FIELDS[id];
  const value = field.read(plan);
  if (!field.applies(plan)) return null;
  if (field.kind === 'text') {
    if (String(value).trim() === '') return { field: id, must: 'text' };
    return field.pattern && !isPattern(String(value)) ? { field: id, must: 'pattern' } : null;
  }
  if (field.kind !== 'number') return null;
  if (typeof value !== 'number' || !Number.isFinite(value)) return { field: id, must: 'number' };
  if (value < field.low || value > field.high) return { field: id, must: 'range' };
  return field.whole && !Number.isInteger(value) ? { field: id, must: 'whole' } : null;
}

/** SFT imitates written responses, so its rows need them; GRPO needs questions and answers only. */
function sourceProblem(plan: TrainingPlan, datasets: readonly DatasetSummary[]): PlanProblem | null {
  const { source } = plan;
  if (source.kind !== 'dataset') return null;
  const found = datasets.find(({ id }) => id === source.datasetId);
  if (found === undefined) return { field: 'source', must: 'dataset' };
  if (found.rows === 0) return { field: 'source', must: 'rows' };
  if (plan.method !== 'sft') return null;
  if (found.withResponse === 0) return { field: 'source', must: 'responses' };
  // What is held out is not trained on, so some must be left.
  return plan.sft.evalSize >= found.withResponse ? { field: 'sft.evalSize', must: 'leave' } : null;
}

/** Everything that keeps a plan from being started, in the order of the form. */
export function problemsOf(plan: TrainingPlan, datasets: readonly DatasetSummary[]): readonly PlanProblem[] {
  return [...FIELD_IDS.map((id) => problemOf(id, plan)), sourceProblem(plan, datasets)].filter(
    (problem) => problem !== null,
  );
}

/** Fields that have an effect and differ between two plans; names are not compared. */
export function differences(from: TrainingPlan, to: TrainingPlan): readonly FieldId[] {
  return FIELD_IDS.filter((id) => {
    const field = FIELDS[id];
    return id !== 'name' && field.applies(to) && !Object.is(field.read(from), field.read(to));
  });
}

/**
 * The field that an advice names, by its path or by the last word of it (`tokensPerMicroBatch`); null when it names
 * none. Words that English has too, such as `seed`, count only as a whole path.
 */
export function fieldOfAdvice(advice: string): FieldId | null {
  const technical = (word: string) => /[A-Z_.]/.test(word.slice(1));
  for (const word of advice.match(/[A-Za-z]\w*(?:\.[A-Za-z]\w*)*/g) ?? []) {
    const last = word.slice(word.lastIndexOf('.') + 1);
    const named = FIELD_IDS.find(
      (id) =>
        (id === word && technical(word)) || (technical(last) && (id === last || id.endsWith(`.${last}`))),
    );
    if (named !== undefined) return named;
  }
  return null;
}
