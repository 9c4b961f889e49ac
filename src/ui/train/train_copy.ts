// Holds every sentence of the Train page: labels of settings, definitions of curves, states and
// announcements. A component of this page takes its words from here.

import type { AdvantageSettings, AdvantageTerms } from '../../settings/advantage_scaling';
import { mustBe, type Setting, type SettingValue } from '../../settings/setting';
import { type AdvantageScaling, TRAIN_SETTINGS, type TrainSettingId } from '../../settings/train_settings';
import type { PlanProblem } from '../../state/train_form';
import type { RunAlert } from '../../state/train_run';
import type { RunFormat, RunState } from '../../worker/protocol/training';
import { CONTROLS, control, pageName } from '../controls';
import type { LengthBin, LengthSummary } from './length_bins';

/** A field of the plan as a message names it: `“Temperature”`. */
export function planField(id: TrainSettingId): string {
  return `“${TRAIN_SETTINGS[id].label}”`;
}

/** Four significant digits, without zeros that say nothing. */
const rounded = (value: number): string => Number(value.toPrecision(4)).toString();

/** What the difference to the mean is divided by. */
const ADVANTAGE_DIVISORS: Readonly<Record<AdvantageScaling, (floor: number | undefined) => string>> = {
  group: () => ', divided by the deviation plus 0.0001',
  none: () => '',
  std_floor: (floor) => `, divided by the deviation, but by no less than ${floor}`,
};

/** What runs that are compared are called, the shown one first. */
export const RUN_LETTERS = ['A', 'B', 'C', 'D', 'E'];

/** Fixed texts, grouped by the panel that shows them. */
export const TRAIN_COPY = {
  title: 'Train',
  intro:
    'Teach an adapter on this device. First by imitation (SFT), then by sampling answers and keeping what scored well (GRPO).',
  plan: {
    title: 'Plan',
    preset: CONTROLS.preset.label,
    ownPreset: 'From a run',
    source: CONTROLS.questions.label,
    world: 'Built-in world of sheets and photographs',
    dataset: (name: string, rows: number) => `${name} (${rows.toLocaleString('en')} rows)`,
    missingDataset: 'A dataset that is gone',
    evaluateOn: 'Evaluate on',
    evaluateHeldOut: 'Held-out examples of the questions above',
    adapter: CONTROLS.planAdapter.label,
    newAdapter: 'Begin a new one',
    continueAdapter: (name: string, r: number) => `${name} (r ${r})`,
    missingAdapter: 'An adapter that is gone',
    model: CONTROLS.baseModel.label,
    advanced: 'Advanced',
    loraFixed: 'The adapter that is continued has its own rank, alpha and targets.',
    unit: (unit: string) => `In ${unit}.`,
    split: (count: number, words: string) => `${count.toLocaleString('en')} written answers: ${words}.`,
    splitAtMost: (count: number, words: string) =>
      `At most ${count.toLocaleString('en')} written answers: ${words}.`,
    words: 'Words that this model does not know',
    wordsLooking: 'Looking for words that the model does not know…',
    wordsLooked: (looked: number, rows: number) =>
      `${looked.toLocaleString('en')} of ${rows.toLocaleString('en')} rows were looked at.`,
    changed: (count: number) =>
      count === 1 ? '1 setting differs from the preset' : `${count} settings differ from the preset`,
    reset: (label: string) => `Put ${label} back to the preset`,
    grpoFromBase: `From a base that never looks back, GRPO has little to reward. Train by SFT first, press ${control('saveAdapter')}, and choose it here under ${control('planAdapter')}.`,
    start: CONTROLS.start.label,
    startBusy: `Another run is under way: press ${control('pause')} or ${control('stop')} first.`,
    startLoads: (model: string) => `Loads ${model} first, and measures the memory.`,
    startProblems: 'Some settings cannot be used; they are marked above.',
    startMemory: 'This plan does not fit into memory.',
    on: 'on',
    off: 'off',
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
    none: `No run yet. Choose under ${control('preset')} and press ${control('start')}.`,
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
    best: 'Best',
    saveWhich: 'Checkpoint',
    saveLast: (step: number) => `The last, at step ${step}`,
    saveBest: (best: string) => `The best: ${best}`,
    none_: '–',
    progress: 'Steps done',
    pause: CONTROLS.pause.label,
    resume: CONTROLS.resume.label,
    resumeFrom: (step: number) => `${CONTROLS.resume.label} from step ${step}`,
    stepOnce: 'Step once',
    stop: CONTROLS.stop.label,
    stopWhy: 'Ends the run for good. Its last checkpoint stays, and an adapter can be saved from it.',
    save: CONTROLS.saveAdapter.label,
    saveName: 'Name of the adapter',
    saveNow: 'Save',
    saveCancel: 'Cancel',
    saved: (name: string) => `Saved as ${name}.`,
    savedLink: `Show it on ${pageName('library')}`,
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
    comparedTitle: (runs: number) => `Curves of ${runs} runs`,
    smooth: 'Smoothing',
    smoothSteps: (steps: number) => (steps === 1 ? 'none' : `mean of ${steps} steps`),
    smoothWhy:
      'Without it every value is drawn as it was measured. With it the measured values stay, thinner, below the means.',
    readAt: 'Read at step',
    newest: 'the newest',
    ofRun: (run: string, value: string, step: number) => `${run} ${value} at step ${step}`,
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
  notes: {
    title: 'Notes',
    titleOf: (run: string) => `Notes on ${run}`,
    none: 'none yet',
    firstLine: (text: string) => `${text.split('\n', 1)[0]?.slice(0, 80)}`,
    placeholder: 'What you tried, expected, saw. Kept with the run and exported with it.',
    saved: 'Kept with the run.',
    unsaved: 'Not kept yet…',
    undo: 'Put back what was there before',
    clear: 'Clear what was written',
  },
  compared: {
    title: 'Runs that are compared',
    shown: 'The shown run; the others are told by what they are set unlike it.',
    reading: 'being read…',
    unlike: (told: readonly string[], more: number) =>
      told.length === 0 ? 'Set as A' : `Unlike A. ${told.join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
    takeOut: 'Take out',
    takeOutOf: (letter: string, name: string) => `Take ${letter}, ${name}, out of the comparison`,
    settings: (count: number) =>
      count === 1 ? '1 setting in which they differ' : `${count} settings in which they differ`,
    settingsName: 'Settings in which the runs differ',
    setting: 'Setting',
    end: 'End the comparison',
  },
  groups: {
    title: 'Groups of the last step',
    stepTitle: (step: number) => `Groups of step ${step}`,
    about:
      'Each question was answered several times. An answer that scored above the mean of its group has a positive advantage and becomes more likely; one below becomes less likely.',
    empty: 'With GRPO, the questions of every step and each sampled answer with its score appear here.',
    hold: 'Hold this step',
    earlier: 'Earlier step',
    later: 'Later step',
    keptSteps: (at: number, of: number) => `${at} of ${of} kept`,
    filter: 'Show',
    filters: {
      all: 'all',
      mixed: 'right and wrong answers',
      lookedBack: 'with a look back',
      dropped: 'left out',
    },
    gone: 'The groups of that step are not kept any more: the oldest go when a run’s groups take too much room.',
    noneSuch: 'No group of this step is of this kind.',
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
    terms: ({ mean, deviation }: AdvantageTerms, { scaling, floor }: AdvantageSettings) =>
      `Mean reward ${rounded(mean)}, deviation ${rounded(deviation)}. An advantage is the reward less the mean${ADVANTAGE_DIVISORS[scaling](floor)}.`,
    formula: (reward: number, { mean, divisor }: AdvantageTerms) =>
      `(${rounded(reward)} − ${rounded(mean)}) / ${rounded(divisor)}`,
    reward: 'Reward',
    tokens: (count: number) => (count === 1 ? '1 token' : `${count} tokens`),
    cut: 'cut off',
    empty_: '(nothing was written)',
  },
  lengths: {
    title: 'Answers by length, in tokens',
    ofStep: (step: number) => `Length of the answers of step ${step}`,
    ofRun: (steps: number) => `Length of the answers of ${steps} kept steps`,
    countRun: (steps: number) => `Count all ${steps} kept steps`,
    countAgain: (steps: number) => `Count again, ${steps} steps`,
    reading: (read: number, of: number) => `${read} of ${of} steps read`,
    stop: 'Stop',
    backToStep: 'Back to the step',
    right: 'right',
    wrong: 'wrong',
    none: 'No answers.',
    bin: ({ from, to, right, wrong, cut }: LengthBin) =>
      `${from === to ? from : `${from} to ${to}`} tokens: ${right} right, ${wrong} wrong${cut > 0 ? `, ${cut} cut off` : ''}`,
    summary: ({ count, low, high, median, right, wrong, cut }: LengthSummary) =>
      [
        `${count.toLocaleString('en')} answers of ${low} to ${high} tokens, median ${median}`,
        ...(right !== null && wrong !== null
          ? [`of the right ones ${right}, of the wrong ones ${wrong}`]
          : []),
        ...(cut > 0 ? [`✂ ${cut} cut off`] : []),
      ].join('; '),
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
    differs: (count: number, name: string) =>
      count === 0 ? `Set as ${name}` : `${count} ${count === 1 ? 'setting' : 'settings'} unlike ${name}`,
    differsColumns: (one: string, other: string) => ['Setting', one, other],
    empty: 'Runs are kept here, with their curves, until you delete them.',
    show: 'Show',
    showing: 'Shown',
    compare: 'Compare',
    comparedAs: (letter: string) => `Compared as ${letter}`,
    compareHint: (most: number) =>
      `Compare draws a run’s curves over those of the shown one, up to ${most} runs in all.`,
    compareFull: (most: number) => `${most} runs are compared, which is all that fit: take one out first.`,
    resume: CONTROLS.resume.label,
    plan: 'Take over plan',
    zip: 'Export',
    jsonl: 'JSONL',
    csv: 'CSV',
    exportAs: (name: string, format: RunFormat) =>
      `Export ${name} as ${{ zip: 'a zip with its plan', jsonl: 'JSONL', csv: 'CSV' }[format]}`,
    delete: 'Delete',
    deleteAsk: (bytes: string, notes: boolean) =>
      `Delete this run${notes ? ' with its notes' : ''} and free ${bytes}? Saved adapters stay.`,
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
    groups: 'The groups could not be read',
    notes: 'The notes could not be kept, and stay here until they can',
    dismiss: 'Dismiss',
  },
} as const;

/** What a field must be, for one that cannot be used. */
export function problemText(problem: PlanProblem): string {
  switch (problem.must) {
    case 'dataset':
      return 'This dataset is gone; choose another.';
    case 'responses':
      return 'SFT imitates written answers, and no row of this dataset has one. Choose another, or GRPO.';
    case 'leave':
      return 'Must be less than the rows of the dataset that have a response: the others are trained on.';
    case 'rows':
      return 'This dataset is empty.';
    case 'count':
      return 'The built-in world has no end to take a share of: give a whole number.';
    default:
      return `Must be ${mustBe(TRAIN_SETTINGS[problem.field])}.`;
  }
}

/** Longest stretch of a text setting that a comparison shows. */
const SHOWN_TEXT = 60;

/** A setting's value as its control shows it; a dash where a run has none. */
export function settingText(id: TrainSettingId, value: SettingValue | undefined): string {
  const setting: Setting = TRAIN_SETTINGS[id];
  if (value === undefined || value === null || value === '') return '–';
  if (setting.kind === 'choice') return setting.choices[String(value)] ?? String(value);
  if (setting.kind === 'toggle') return value === true ? TRAIN_COPY.plan.on : TRAIN_COPY.plan.off;
  const text = String(value);
  return text.length > SHOWN_TEXT ? `${text.slice(0, SHOWN_TEXT)}…` : text;
}

/** What a sign of trouble means, and what helps. */
export const ALERT_COPY: Readonly<Record<RunAlert, string>> = {
  'no-signal': `In most groups all answers score alike, so there is little to learn from. Raise ${planField('grpo.temperature')} or ${planField('grpo.numGenerations')}, or take easier questions.`,
  'cut-off': `Most answers are cut off before they end. Raise ${planField('grpo.maxCompletionLength')}.`,
  'empty-backs': 'More than a tenth of the looks back are empty: the form is learned, not the looking.',
  kl: `The model moves far from where it began. Lower ${planField('optim.learningRate')} or raise ${planField('grpo.beta')}.`,
};
