// Every sentence of the Train page: labels of settings, definitions of curves, states, announcements, and errors.
// No markup and no logic beyond filling in numbers. Invariant: a component of this page takes its words from here.

import type { PlainError } from '../../lib/plain_error';
import type { FieldId, PlanProblem } from '../../state/train_form';
import type { PresetId } from '../../state/train_presets';
import type { RunAlert } from '../../state/train_run';
import type { RunState } from '../../worker/protocol/training';
import { errorCopy } from '../copy';

/** Fixed texts, grouped by the panel that shows them. */
export const TRAIN_COPY = {
  title: 'Train',
  intro:
    'Teach an adapter on this device. First by imitation (SFT), then by sampling answers and keeping what scored well (GRPO).',
  plan: {
    title: 'Plan',
    preset: 'Preset',
    ownPreset: 'From a run',
    source: 'Questions from',
    world: 'Built-in world of shapes',
    dataset: (name: string, rows: number) => `${name} (${rows.toLocaleString('en')} rows)`,
    missingDataset: 'A dataset that is gone',
    adapter: 'Adapter',
    newAdapter: 'Begin a new one',
    continueAdapter: (name: string, r: number) => `${name} (r ${r})`,
    missingAdapter: 'An adapter that is gone',
    model: 'Base model',
    advanced: 'Advanced',
    groups: {
      world: 'Built-in world',
      lora: 'Shape of the new adapter',
      loraFixed: 'The adapter that is continued has its own shape.',
      optim: 'Optimiser (AdamW)',
      sft: 'SFT',
      grpo: 'GRPO',
      rewards: 'Rewards and their weights',
      memory: 'Memory and checkpoints',
    },
    changed: (count: number) =>
      count === 1 ? '1 setting differs from the preset' : `${count} settings differ from the preset`,
    reset: (label: string) => `Put ${label} back to the preset`,
    grpoFromBase:
      'From a base that never looks back, GRPO has little to reward. Train by SFT first, save that adapter, and continue it here.',
    start: 'Start',
    startBusy: 'Another run is under way: pause or stop it first.',
    startLoads: (model: string) => `Loads ${model} first, and measures the memory.`,
    startProblems: 'Some settings cannot be used; they are marked above.',
    startMemory: 'This plan does not fit into memory.',
    on: 'on',
  },
  estimate: {
    title: 'Memory',
    asking: 'Trying how much memory this takes…',
    unknown: 'Not measured yet.',
    busy: 'Measured when no run has the device.',
    needsModel: (model: string) => `Measured once ${model} is loaded.`,
    fits: (bytes: string) => `${bytes} on the graphics device: it fits.`,
    tooMuch: (bytes: string) => `${bytes} on the graphics device: too much for it.`,
    parameters: (count: number) => `${count.toLocaleString('en')} trainable parameters.`,
    parts: 'What takes it',
    part: 'Part',
    bytes: 'Memory',
    goTo: (label: string) => `Change ${label}`,
    refused: 'The memory could not be measured.',
  },
  run: {
    title: 'Run',
    none: 'No run yet. Choose a preset and press Start.',
    loading: 'Reading the runs kept on this device…',
    of: (step: number, of: number) => `${step} of ${of}`,
    step: 'Step',
    pace: 'Time per step',
    paceValue: (seconds: string) => `${seconds} (measured)`,
    left: 'Left',
    leftValue: (duration: string) => `about ${duration} at this pace`,
    now: 'Now',
    checkpoint: 'Last checkpoint',
    checkpointValue: (step: number) => `step ${step}`,
    none_: '–',
    progress: 'Steps done',
    pause: 'Pause',
    resume: 'Resume',
    resumeFrom: (step: number) => `Resume from step ${step}`,
    stepOnce: 'Step once',
    stop: 'Stop',
    stopWhy: 'Ends the run for good. Its last checkpoint stays, and an adapter can be saved from it.',
    save: 'Save adapter',
    saveName: 'Name of the adapter',
    saveNow: 'Save',
    saveCancel: 'Cancel',
    saved: (name: string) => `Saved as ${name}.`,
    savedLink: 'Show it in the library',
    adapterName: (name: string, step: number) => `${name}, step ${step}`,
    interrupted: (step: number | null) =>
      step === null
        ? 'This run was interrupted before its first checkpoint. Resuming begins it again.'
        : `This run waits at step ${step}. Resuming goes on from there, on the same graphics device with the same numbers as if it had never stopped.`,
    elsewhere: 'This run was interrupted, or another tab works on it.',
    halve: 'Plan again at half the learning rate',
    again: 'Take over this plan',
  },
  states: {
    preparing: 'Preparing',
    running: 'Training',
    pausing: 'Pausing',
    paused: 'Paused',
    finished: 'Finished',
    stopped: 'Stopped',
    failed: 'Failed',
  } satisfies Record<RunState, string>,
  phases: {
    sampling: 'sampling answers',
    scoring: 'scoring answers',
    updating: 'updating the adapter',
    evaluating: 'evaluating',
    saving: 'saving a checkpoint',
    preparing: 'preparing',
    recovering: 'waiting for the graphics device',
    'sampling a cold start': 'sampling answers to learn from',
  } as Readonly<Record<string, string>>,
  curves: {
    title: 'Curves',
    more: 'More curves',
    smooth: (steps: number) => `Mean of ${steps} steps`,
    smoothWhy: 'Off: every value is drawn as it was measured. On: the measured values stay, thinner.',
    none: 'Nothing measured yet.',
    table: 'Values as a table',
    step: 'Step',
    xAxis: 'step',
    lastRows: (shown: number, all: number) => `The last ${shown} of ${all} steps; the exported file has all.`,
    sentence: (step: number, values: string) => `Step ${step}: ${values}.`,
    change: (first: string, last: string, count: number) =>
      `Mean of the first ${count} steps: ${first}; of the last ${count}: ${last}.`,
    unknown: 'As the trainer logged it.',
  },
  groups: {
    title: 'Groups of the last step',
    stepTitle: (step: number) => `Groups of step ${step}`,
    about:
      'Each question was answered several times. An answer that scored above the mean of its group has a positive advantage and becomes more likely; one below becomes less likely.',
    empty: 'With GRPO, the questions of the last step and every sampled answer with its score appear here.',
    hold: 'Hold this step',
    held: (newest: number) => `Held; step ${newest} is there already.`,
    summary: (right: number, of: number, reward: string) => `${right} of ${of} right, mean reward ${reward}`,
    dropped: {
      uniform: 'left out: all answers scored alike, so they teach nothing',
      truncated: 'left out: its answers were cut off',
    },
    droppedMark: 'left out',
    expected: (answer: string) => `Expected: ${answer}`,
    picture: 'Picture of the question',
    completion: (number: number) => `Answer ${number}`,
    advantage: 'Advantage',
    reward: 'Reward',
    tokens: (count: number) => (count === 1 ? '1 token' : `${count} tokens`),
    cut: 'cut off',
    empty_: '(nothing was written)',
  },
  samples: {
    title: 'Sample answers',
    about: 'The same held-out questions, answered greedily at each evaluation.',
    empty: 'At each evaluation the model answers the same few questions; its answers appear here.',
    at: 'Evaluation at',
    step: (step: number) => `step ${step}`,
    score: (right: number, of: number) => `${right} of ${of} right`,
    history: (marks: string) => `At each evaluation so far: ${marks}`,
    got: (answer: string) => `answered ${answer}`,
    noAnswer: 'no answer in a box',
  },
  ticks: { think: 'think', back: 'back', box: 'boxed' },
  tick: {
    yes: (part: string) => `has ${part}`,
    no: (part: string) => `lacks ${part}`,
    empty: (part: string) => `${part} without content`,
  },
  formats: { back: 'looks back', cot: 'only thinks', none: 'ill-formed' },
  right: 'right',
  wrong: 'wrong',
  runs: {
    title: 'Runs',
    empty: 'Runs are kept here, with their curves, until you delete them.',
    show: 'Show',
    showing: 'Shown',
    resume: 'Resume',
    plan: 'Take over plan',
    jsonl: 'JSONL',
    csv: 'CSV',
    exportAs: (name: string, format: string) => `Export ${name} as ${format}`,
    delete: 'Delete',
    deleteAsk: (bytes: string) => `Delete this run and free ${bytes}? Saved adapters stay.`,
    deleteYes: 'Delete run',
    deleteNo: 'Keep it',
    freed: (bytes: string) => `Deleted; ${bytes} freed.`,
    methods: { sft: 'SFT', grpo: 'GRPO' },
    steps: (step: number, of: number) => `step ${step} of ${of}`,
    adapterSaved: 'adapter saved',
    elsewhere: 'interrupted, or in another tab',
  },
  announce: {
    state: (state: string, step: number, of: number) => `${state}, step ${step} of ${of}.`,
    evaluated: (step: number, correct: number, of: number) =>
      of === 0
        ? `Evaluated at step ${step}.`
        : `Evaluated at step ${step}: ${correct} of ${of} answers right.`,
    saved: (name: string) => `Adapter saved as ${name}.`,
    deleted: (bytes: string) => `Run deleted; ${bytes} freed.`,
  },
  failure: {
    open: 'What is stored could not be listed',
    start: 'The run could not start',
    pause: 'The run could not pause',
    resume: 'The run could not go on',
    step: 'The step could not be taken',
    stop: 'The run could not be stopped',
    save: 'The adapter could not be saved',
    read: 'The run could not be read',
    delete: 'The run could not be deleted',
    export: 'The run could not be exported',
    dismiss: 'Dismiss',
  },
} as const;

/** Name and summary of each preset. */
export const PRESET_COPY: Readonly<Record<PresetId, { readonly label: string; readonly summary: string }>> = {
  'sft-quick': {
    label: 'Pocket SFT (quick)',
    summary: '30 steps of 8 written answers. Shows how a run behaves; too short to learn much.',
  },
  'sft-full': {
    label: 'Pocket SFT (full: 90 × 32)',
    summary: '90 steps of 32 written answers. Teaches pocket to look back.',
  },
  'grpo-quick': {
    label: 'Pocket GRPO (quick: 20 steps, 8 × 8)',
    summary: '20 steps of 8 questions, 8 answers each. Enough to see the rewards move.',
  },
  'grpo-full': {
    label: 'Pocket GRPO (full: 100 × 16 × 8)',
    summary:
      '100 steps of 16 questions, 8 answers each. Looking back becomes the rule, and answers get better.',
  },
};

interface FieldWords {
  readonly label: string;
  readonly hint?: string;
}

/** Label of each setting, and what it does where the label does not say it. */
export const FIELD_COPY: Readonly<Record<FieldId, FieldWords>> = {
  name: { label: 'Name of the run' },
  method: { label: 'Method' },
  mode: { label: 'Prompt' },
  maxSteps: { label: 'Steps' },
  seed: { label: 'Seed', hint: 'Same seed, plan and device: the same run.' },
  saveSteps: { label: 'Steps between checkpoints', hint: 'After a crash, at most these are lost.' },
  tokensPerMicroBatch: {
    label: 'Tokens at a time',
    hint: 'A step is cut into parts of this size. Smaller takes less memory and more time.',
  },
  gradientCheckpointing: {
    label: 'Recompute layers',
    hint: 'Takes less memory and about a third more time.',
  },
  'source.textShare': {
    label: 'Share without the picture',
    hint: 'Questions that the picture does not help with.',
  },
  'source.scenes': { label: 'Scenes' },
  'source.rolloutsPerScene': {
    label: 'Answers per scene',
    hint: 'Sampled from the base; the written answers are made from them.',
  },
  'source.reflectionRate': {
    label: 'Share that looks back',
    hint: 'Of the written answers. Below one half, greedy answers hardly ever look back.',
  },
  'lora.r': { label: 'Rank (r)' },
  'lora.loraAlpha': { label: 'Alpha', hint: 'The adapter is scaled by alpha / r.' },
  'lora.loraDropout': { label: 'Dropout' },
  'lora.targetModules': { label: 'Target modules', hint: 'A regular expression over whole module names.' },
  'optim.learningRate': { label: 'Learning rate' },
  'optim.lrSchedulerType': { label: 'Schedule' },
  'optim.warmupSteps': { label: 'Warm-up steps' },
  'optim.weightDecay': { label: 'Weight decay' },
  'optim.adamBeta1': { label: 'Beta 1' },
  'optim.adamBeta2': { label: 'Beta 2' },
  'optim.adamEpsilon': { label: 'Epsilon of AdamW' },
  'optim.maxGradNorm': { label: 'Clip gradients at norm', hint: '0 never clips.' },
  'sft.batchSize': { label: 'Examples per step' },
  'sft.maxLength': { label: 'Longest example', hint: 'In tokens; longer ones are left out.' },
  'sft.numTrainEpochs': { label: 'Epochs', hint: 'Above 0, they decide the number of steps.' },
  'sft.evalSteps': { label: 'Steps between evaluations', hint: '0 never evaluates.' },
  'sft.evalSize': { label: 'Held-out examples', hint: 'For the evaluation loss.' },
  'sft.evalSamples': { label: 'Sample answers' },
  'grpo.promptsPerStep': { label: 'Questions per step' },
  'grpo.numGenerations': { label: 'Answers per question' },
  'grpo.maxCompletionLength': { label: 'Longest answer', hint: 'In tokens; cut off there.' },
  'grpo.temperature': { label: 'Temperature' },
  'grpo.topP': { label: 'Top-p' },
  'grpo.lossType': { label: 'Loss' },
  'grpo.epsilon': { label: 'Clip ratio below by', hint: 'Epsilon, low.' },
  'grpo.epsilonHigh': { label: 'Clip ratio above by', hint: 'Epsilon, high.' },
  'grpo.beta': { label: 'Weight of KL', hint: 'Against the model before this run; 0 leaves it out.' },
  'grpo.numIterations': { label: 'Updates per sample' },
  'grpo.scaleRewards': { label: 'Divide advantages by' },
  'grpo.stdFloor': { label: 'Smallest divisor' },
  'grpo.dropUniformGroups': { label: 'Leave out groups with equal' },
  'grpo.maskTruncatedCompletions': { label: 'Ignore answers that were cut off' },
  'grpo.rewardWeights.accuracy': { label: 'Accuracy', hint: '1 for the right answer in the box, else 0.' },
  'grpo.rewardWeights.format': {
    label: 'Format',
    hint: '1 for think, a look back with content, think, box; 0.667 for think and box; else 0.',
  },
  'grpo.rewardWeights.format_paper': {
    label: 'Permissive format',
    hint: 'As in the paper: an empty look back earns it too.',
  },
  'grpo.rewardWeights.length': {
    label: 'Length',
    hint: '0 up to 80 % of the longest answer, then down to −1.',
  },
};

/** Words for the options of choices; others stand for themselves. */
export const OPTION_COPY: Readonly<Record<string, string>> = {
  sft: 'SFT: imitate written answers',
  grpo: 'GRPO: reward sampled answers',
  plain: 'Plain answer',
  cot: 'Think step by step',
  semantic: 'Look back while thinking',
  solution: 'Look back at the solution',
  constant: 'Constant',
  linear: 'Linear to 0',
  cosine: 'Cosine to 0',
  dr_grpo: 'Dr. GRPO',
  bnpo: 'BNPO',
  dapo: 'DAPO (mean over tokens)',
  'grpo.lossType:grpo': 'GRPO (mean over answers)',
  'grpo.scaleRewards:group': 'Deviation of the group',
  'grpo.scaleRewards:none': 'Nothing',
  'grpo.scaleRewards:std_floor': 'Deviation, not below a floor',
  'grpo.dropUniformGroups:none': 'Nothing: keep all',
  'grpo.dropUniformGroups:reward': 'Reward',
  'grpo.dropUniformGroups:accuracy': 'Accuracy',
};

/** What a field must be, for one that cannot be used. */
export function problemText(
  problem: PlanProblem,
  range?: { readonly low: number; readonly high: number },
): string {
  switch (problem.must) {
    case 'number':
      return 'Must be a number.';
    case 'whole':
      return 'Must be a whole number.';
    case 'range':
      return range === undefined
        ? 'Out of range.'
        : `Must be from ${range.low} to ${range.high.toLocaleString('en')}.`;
    case 'text':
      return 'Must not be empty.';
    case 'pattern':
      return 'Is not a regular expression.';
    case 'dataset':
      return 'This dataset is gone; choose another.';
    case 'responses':
      return 'SFT imitates written answers, and no row of this dataset has one. Choose another, or GRPO.';
    case 'leave':
      return 'Must be less than the rows of the dataset that have a response: the others are trained on.';
    case 'rows':
      return 'This dataset is empty.';
  }
}

/** What a sign of trouble means, and what helps. */
export const ALERT_COPY: Readonly<Record<RunAlert, string>> = {
  'no-signal':
    'In most groups all answers score alike, so there is little to learn from. Raise the temperature, take easier questions, or more answers per question.',
  'cut-off': 'Most answers are cut off before they end. Raise the longest answer.',
  'empty-backs': 'More than a tenth of the looks back are empty: the form is learned, not the looking.',
  kl: 'The model moves far from where it began. Lower the learning rate or weigh the KL term more.',
};

/** Words for an error of a run or a command: what happened and what helps. */
export interface TrainErrorCopy {
  readonly title: string;
  readonly why: string;
}

const ERRORS: Readonly<Record<string, (error: PlainError) => TrainErrorCopy>> = {
  'train/busy': () => ({
    title: 'Another run is under way',
    why: 'One run trains at a time. Pause or stop it first; it may be in another tab.',
  }),
  'train/not-finite': (error) => ({
    title: 'Paused: the numbers blew up',
    why: `${error.message} The adapter is kept as it was at the last good checkpoint. A lower learning rate usually helps.`,
  }),
  'train/model': (error) => ({
    title: 'The model of this plan is not loaded',
    why: `${error.message} Choose it in the bar at the top, or choose another base model for the plan.`,
  }),
  'train/memory': (error) => ({ title: 'This plan does not fit into memory', why: error.message }),
  'gpu/out-of-memory': () => ({
    title: 'The graphics device ran out of memory',
    why: 'Go on from the last checkpoint after closing other tabs, or plan again with fewer tokens at a time.',
  }),
  'gpu/device-lost': () => ({
    title: 'The graphics device was reset',
    why: 'The browser or the driver took it away. Nothing is lost up to the last checkpoint.',
  }),
  'gpu/no-adapter': () => ({
    title: 'No graphics device came back',
    why: 'The run is kept at its last checkpoint. Reload the page, or restart the browser, and resume.',
  }),
  'worker/crashed': () => ({
    title: 'The engine stopped',
    why: 'The run is kept at its last checkpoint. Start the engine again and resume.',
  }),
  'storage/full': (error) => ({
    title: 'Storage is full',
    why: `${error.message} Delete runs or datasets in the library, then resume; the last checkpoint is kept.`,
  }),
};

/** Words for an error; codes without an entry here get the page's general ones. */
export function trainErrorCopy(error: PlainError): TrainErrorCopy {
  const entry = ERRORS[error.code];
  if (entry !== undefined) return entry(error);
  const { title, why } = errorCopy(error);
  return { title, why };
}
