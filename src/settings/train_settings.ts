// Declares every setting of a training run once: the page's form, the command line's file, the checks and the
// documentation are made from this table. Names are those of PEFT and TRL where they have the setting.

import { evaluatesHeldOut, HELD_OUT_SETTINGS, type HeldOutPlan } from './held_out_settings';
import { defaultsOf } from './read_settings';
import { MODE_WORDS } from './reasoning_modes';
import {
  applies,
  choice,
  type Nested,
  number,
  pattern,
  type ReadSetting,
  type SettingWords,
  text,
  toggle,
  whole,
} from './setting';
import type { SettingGroup } from './setting_groups';
import { WORLD_SETTINGS } from './world_settings';

const MILLION = 1_000_000;

/** All seven projections of every text layer, by the names that the families' decoders have. */
export const ALL_PROJECTIONS =
  '.*(language_model|text_model)\\.layers\\.\\d+\\.(self_attn\\.(q|k|v|o)_proj|mlp\\.(gate|up|down)_proj)';

type Words = SettingWords<SettingGroup>;
const positive = (value: unknown): boolean => typeof value === 'number' && value > 0;
const newAdapter = (of: ReadSetting): boolean => of('adapterId') === null || of('adapterId') === undefined;
const samplesAtEvaluation = (of: ReadSetting): boolean => evaluatesHeldOut(of) && positive(of('evalSamples'));
const offPolicy = (of: ReadSetting): boolean => Number(of('grpo.numIterations')) > 1;

const sft = (words: Omit<Words, 'method' | 'group'>): Words => ({ group: 'sft', method: 'sft', ...words });
const grpo = (words: Omit<Words, 'method' | 'group'>): Words => ({ group: 'grpo', method: 'grpo', ...words });
const optim = (words: Omit<Words, 'group'>): Words => ({ group: 'optim', ...words });

const reward = (weight: number, label: string, help: string, docs = '') =>
  number(
    weight,
    { min: -100, max: 100 },
    { group: 'rewards', method: 'grpo', label, help, ...(docs === '' ? {} : { docs }) },
  );

/** Every setting by its path, in the order of the form. */
export const TRAIN_SETTINGS = {
  method: choice(
    'sft',
    { sft: 'SFT: imitate written answers', grpo: 'GRPO: reward sampled answers' },
    { group: 'kind', label: 'Method' },
  ),
  mode: choice('solution', MODE_WORDS, {
    group: 'kind',
    label: 'Prompt',
    help: 'The words that are put beside each question.',
  }),
  name: text('Run', { group: 'main', label: 'Name of the run' }),
  maxSteps: whole(
    100,
    { min: 1, max: MILLION },
    {
      group: 'main',
      label: 'Steps',
      help: 'Updates of the adapter.',
      when: (of) => !(of('method') === 'sft' && positive(of('sft.numTrainEpochs'))),
    },
  ),
  seed: whole(
    0,
    { min: 0, max: 0xffffffff },
    {
      group: 'main',
      label: 'Seed',
      help: 'Same seed, plan and device: the same run.',
      docs: 'It decides data order, sampling, dropout and the new adapter.',
    },
  ),
  'sft.batchSize': whole(8, { min: 1, max: 4096 }, { ...sft({ label: 'Examples per step' }), group: 'main' }),
  'grpo.promptsPerStep': whole(
    4,
    { min: 1, max: 1024 },
    { ...grpo({ label: 'Questions per step' }), group: 'main' },
  ),
  'grpo.numGenerations': whole(
    8,
    { min: 2, max: 256 },
    { ...grpo({ label: 'Answers per question' }), group: 'main' },
  ),
  'grpo.maxCompletionLength': whole(
    512,
    { min: 1, max: MILLION },
    {
      ...grpo({ label: 'Longest answer', unit: 'tokens', help: 'Sampled answers are cut off there.' }),
      group: 'main',
    },
  ),
  'optim.learningRate': number(
    1e-4,
    { min: 0, max: 10 },
    { ...optim({ label: 'Learning rate' }), group: 'main' },
  ),

  ...WORLD_SETTINGS,

  'sft.numTrainEpochs': number(
    0,
    { min: 0, max: MILLION },
    sft({ label: 'Epochs', help: 'Passes over the examples. Above 0, they decide the number of steps.' }),
  ),
  'sft.maxLength': whole(
    4096,
    { min: 2, max: MILLION },
    sft({
      label: 'Longest example',
      unit: 'tokens',
      help: 'With its prompt; longer ones are left out and counted.',
    }),
  ),
  'sft.maxCompletionLength': whole(
    512,
    { min: 1, max: MILLION },
    sft({
      label: 'Longest sample answer',
      unit: 'tokens',
      help: 'Answers that SFT samples are cut off there: those at evaluations, and those that written answers are made from.',
      when: (of) => of('source.kind') === 'shapes_world' || samplesAtEvaluation(of),
    }),
  ),

  'grpo.temperature': number(
    1,
    { above: 0, max: 100 },
    grpo({ label: 'Temperature', help: 'Of sampling; the loss divides logits by it, too.' }),
  ),
  'grpo.topP': number(
    1,
    { above: 0, max: 1 },
    grpo({ label: 'Top-p', help: 'Samples among the likeliest tokens of this joint probability.' }),
  ),
  'grpo.lossType': choice(
    'dapo',
    {
      grpo: 'GRPO (mean over answers)',
      bnpo: 'BNPO (mean over tokens of a part)',
      dr_grpo: 'Dr. GRPO (divided by the longest answer)',
      dapo: 'DAPO (mean over tokens)',
    },
    grpo({ label: 'Loss', help: 'How the losses of tokens are averaged, as in TRL.' }),
  ),
  'grpo.scaleRewards': choice(
    'group',
    { group: 'Deviation of the group', none: 'Nothing', std_floor: 'Deviation, not below a floor' },
    grpo({ label: 'Divide advantages by' }),
  ),
  'grpo.stdFloor': number(
    0.25,
    { above: 0, max: 100 },
    grpo({ label: 'Smallest divisor', when: (of) => of('grpo.scaleRewards') === 'std_floor' }),
  ),
  'grpo.dropUniformGroups': choice(
    'none',
    { none: 'Nothing: keep all', reward: 'Reward', accuracy: 'Accuracy' },
    grpo({
      label: 'Leave out groups with equal',
      help: 'Groups whose answers all score alike teach nothing.',
    }),
  ),
  'grpo.maskTruncatedCompletions': toggle(
    false,
    grpo({
      label: 'Ignore answers that were cut off',
      help: 'They give no gradient; they count in the averages, as in TRL.',
    }),
  ),
  'grpo.numIterations': whole(1, { min: 1, max: 64 }, grpo({ label: 'Updates per sample' })),
  'grpo.epsilon': number(
    0.2,
    { min: 0, max: 10 },
    grpo({ label: 'Clip ratio below by', help: 'Epsilon, low.', when: offPolicy }),
  ),
  'grpo.epsilonHigh': number(
    0.2,
    { min: 0, max: 10 },
    grpo({ label: 'Clip ratio above by', help: 'Epsilon, high.', when: offPolicy }),
  ),
  'grpo.beta': number(
    0,
    { min: 0, max: 100 },
    grpo({
      label: 'Weight of KL',
      help: 'Against the model before this run; 0 leaves it out.',
      docs: 'The [reference](adr/0010-reference-is-a-frozen-adapter.md) is a frozen adapter.',
    }),
  ),

  ...HELD_OUT_SETTINGS,

  'grpo.rewardWeights.accuracy': reward(1, 'Accuracy', '1 for the right answer in the box, else 0.'),
  'grpo.rewardWeights.format': {
    ...reward(
      0.1,
      'Format',
      '1 for think, a look back with content, think, box; 0.667 for think and box; else 0.',
    ),
    docs: 'See [strict format](adr/0011-strict-format-reward.md).',
  },
  'grpo.rewardWeights.format_paper': reward(
    0,
    'Permissive format',
    'As in the paper: an empty look back earns it too.',
  ),
  'grpo.rewardWeights.length': reward(0, 'Length', '0 up to 80 % of the longest answer, then down to −1.'),
  'grpo.rewardWeights.visual_anchor': reward(
    0,
    'Attention in the look',
    'How much more a right answer’s look back attends to the image than its thought before: from 0, over ⅓ for twice as much, towards 1.',
    'Attention is no proof of reading: heads can turn to the image and nothing come of it. Watch accuracy beside it, and hold the outcome against a run without.',
  ),
  'grpo.rewardWeights.visual_dependence': reward(
    0,
    'Picture in the look',
    'How much likelier the picture makes the words of a right answer’s look back than a blank picture would, under the model as the run began: from 0, over 0.63 for one nat a token, towards 1. Scores every answer twice more.',
    'Words can depend on the picture and have nothing to do with the question. A look of fewer than 8 tokens earns nothing.',
  ),
  'grpo.rewardWeights.custom': reward(0, 'Your own', 'A JavaScript function, asked for unless this is 0.'),
  'grpo.customReward': text(null, {
    group: 'rewards',
    method: 'grpo',
    label: 'Your own reward',
    lines: 8,
    help: 'function reward(sample) { return 0.5; } with question, kind, pictures, columns, text, answer, expected, accuracy, finished, length, maxLength, backs, attention and visualGain of the sample. It has one second, 32 MB and no network.',
    docs: 'See [a reward of your own](#a-reward-of-your-own).',
    when: (of) => Number(of('grpo.rewardWeights.custom')) !== 0,
  }),

  'lora.r': whole(8, { min: 1, max: 1024 }, { group: 'lora', label: 'Rank (r)', when: newAdapter }),
  'lora.loraAlpha': number(
    16,
    { above: 0, max: MILLION },
    { group: 'lora', label: 'Alpha', help: 'The adapter is scaled by alpha / r.', when: newAdapter },
  ),
  'lora.targetModules': pattern(ALL_PROJECTIONS, 'all seven projections of every text layer', {
    group: 'lora',
    label: 'Target modules',
    help: 'A regular expression over whole module names, as in PEFT.',
    when: newAdapter,
  }),
  'lora.loraDropout': number(
    0,
    { min: 0, below: 1 },
    { group: 'lora', label: 'Dropout', help: 'Share of the adapter’s inputs that a step leaves out.' },
  ),

  'optim.lrSchedulerType': choice(
    'linear',
    { constant: 'Constant', linear: 'Linear to 0', cosine: 'Cosine to 0' },
    optim({ label: 'Schedule', help: 'Of the learning rate after the warm-up, as in transformers.' }),
  ),
  'optim.warmupSteps': whole(
    0,
    { min: 0, max: MILLION },
    optim({ label: 'Warm-up steps', help: 'The learning rate rises from 0 over these.' }),
  ),
  'optim.weightDecay': number(0, { min: 0, max: 1 }, optim({ label: 'Weight decay', help: 'Decoupled.' })),
  'optim.adamBeta1': number(0.9, { min: 0, below: 1 }, optim({ label: 'Beta 1' })),
  'optim.adamBeta2': number(0.999, { min: 0, below: 1 }, optim({ label: 'Beta 2' })),
  'optim.adamEpsilon': number(1e-8, { min: 1e-15, max: 1 }, optim({ label: 'Epsilon of AdamW' })),
  'optim.maxGradNorm': number(
    1,
    { min: 0, max: 1e9 },
    optim({ label: 'Clip gradients at norm', help: 'Of all gradients together; 0 never clips.' }),
  ),

  tokensPerMicroBatch: whole(
    4096,
    { min: 1, max: MILLION },
    {
      group: 'memory',
      label: 'Tokens at a time',
      help: 'A step is cut into parts of this size. Smaller takes less memory and more time.',
    },
  ),
  gradientCheckpointing: toggle(true, {
    group: 'memory',
    label: 'Recompute layers',
    help: 'Takes less memory and about a third more time.',
  }),
  saveSteps: whole(
    10,
    { min: 0, max: MILLION },
    {
      group: 'memory',
      label: 'Steps between checkpoints',
      help: 'After a crash, at most these are lost. 0 saves only at the end.',
    },
  ),
} as const;

/** Path of a setting. */
export type TrainSettingId = keyof typeof TRAIN_SETTINGS;

/** The paths in the order of the table. */
export const TRAIN_SETTING_IDS = Object.keys(TRAIN_SETTINGS) as readonly TrainSettingId[];

/** Every setting of the table, as nested objects. */
export type TrainSettings = Nested<typeof TRAIN_SETTINGS>;

/** AdamW with a schedule, in TRL's terms. */
export type OptimSettings = TrainSettings['optim'];
/** Settings that only SFT reads. */
export type SftSettings = TrainSettings['sft'];
/** Settings that only GRPO reads, in TRL's terms. */
export type GrpoSettings = TrainSettings['grpo'];
/** How the learning rate goes, as in transformers' `lr_scheduler_type`. */
export type LrSchedulerType = OptimSettings['lrSchedulerType'];
/** How token losses are averaged, as in TRL's `loss_type`. */
export type GrpoLossType = GrpoSettings['lossType'];
/** What advantages of a group are divided by. */
export type AdvantageScaling = GrpoSettings['scaleRewards'];
/** Names of the rewards. */
export type RewardName = keyof GrpoSettings['rewardWeights'];
/** What is trained: supervised fine-tuning on written answers, or GRPO on sampled ones. */
export type TrainingMethod = TrainSettings['method'];
/** Settings of the built-in world as a source of examples. */
export type WorldSettings = TrainSettings['source'];

/** What both trainers read. */
export type CommonSettings = Pick<
  TrainSettings,
  'optim' | 'maxSteps' | 'seed' | 'tokensPerMicroBatch' | 'gradientCheckpointing' | keyof HeldOutPlan
>;
/** Settings of one run of either trainer. */
export type TrainConfig = CommonSettings & Pick<TrainSettings, 'lora' | 'sft' | 'grpo'>;

const { method: _1, mode: _2, name: _3, saveSteps: _4, source: _5, ...config } = defaultsOf(TRAIN_SETTINGS);
/** PEFT's and TRL's defaults where they have one, for models of any size. */
export const DEFAULT_TRAIN_CONFIG: TrainConfig = config;

/** Whether a setting has an effect on the plan that `of` reads by path. */
export function trainSettingApplies(id: TrainSettingId, of: ReadSetting): boolean {
  return applies(TRAIN_SETTINGS[id], of);
}
