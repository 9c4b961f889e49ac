// Holds every sentence that the page shows, and the map from error codes to words and actions. A view that needs a
// new sentence gets it from here.

import type { SegmentKind } from '../answer/answer_grammar';
import type { PlainError } from '../lib/plain_error';
import type { LoadPhase } from '../worker/protocol/engine';

/** Fixed texts, grouped by the panel that shows them. */
export const COPY = {
  app: {
    name: 'Look-Back',
    tagline: 'Watch a vision-language model look back at your picture while it reasons.',
    private: 'Runs in this tab. Your picture and your question never leave it.',
    skip: 'Skip to the content',
    pages: 'Pages',
    routes: { look: 'Look', train: 'Train', data: 'Data', library: 'Library' },
    training: 'a run is going on',
    opening: 'Opening the page…',
    dismiss: 'Dismiss',
    cancel: 'Cancel',
    themeTo: { light: 'Use light colours', dark: 'Use dark colours' },
    keys: 'Keys',
    model: 'Model',
    draft: 'draft',
    draftWhy: 'It is a draft: a stand-in until a later release replaces it.',
    device: 'Graphics device',
    software: 'software',
    softwareWhy: 'No graphics card is used: the processor stands in for it. Correct, but many times slower.',
    noDevice: 'no device yet',
  },
  adapter: {
    label: 'Adapter',
    none: 'No adapter',
    empty: 'No adapter yet',
    emptyWhy: 'Train one on the Train page, or import one in the Library.',
    strength: 'Strength',
    strengthWhy: '1 is as trained, 0 is the base model.',
    compare: 'Compare',
    compareWhy: 'Ask the base model and the adapter the same question and show both answers',
    compareNone: 'Choose an adapter first',
    withStrength: (name: string, strength: number) => `${name} × ${strength}`,
  },
  picture: {
    title: 'Picture',
    empty: 'Drop a picture here, paste one, or',
    choose: 'choose a file',
    change: 'Change picture',
    examples: 'Examples',
    pictureAlt: (name: string) => `The picture ${name}`,
    asSeen: (width: number, height: number, rows: number, columns: number) =>
      `Read at ${width} × ${height} pixels as ${rows} × ${columns} image tokens`,
    padded: 'hatched: padding added to make it square',
    outside: (knows: string) =>
      `This picture does not look like the ones this model was trained on. ${knows} Whatever it says about a photograph is a guess.`,
    overlay: 'Heatmap',
    opacity: 'Opacity',
    stretch: 'Stretch this step',
    stretched: 'stretched: not comparable between steps',
    modelView: 'Show what the model receives',
    scale: 'Share of attention per image token',
    heatmapNone: 'No attention recorded yet.',
  },
  ask: {
    unknownWords: 'Words that this model does not know:',
    meant: (word: string, known: string) => `Write “${known}” instead of “${word}”`,
    unreadableTitle: 'This model can read no word of the question',
    unreadable:
      'Whatever it answers will not be about your question. Take a suggestion, or use words that it knows.',
    askAnyway: 'Ask all the same',
    title: 'Question',
    label: 'Your question',
    placeholder: 'Start with 11. Subtract the red squares. Add 3. How many?',
    send: 'Ask',
    stop: 'Stop',
    sendKeys: 'Enter asks, Shift+Enter starts a new line.',
    stopKeys: 'Esc stops.',
    settings: 'Settings',
    dice: 'New random seed',
    greedy: 'At temperature 0 the seed changes nothing.',
    needModel: 'The model is still loading.',
    needPicture: 'Choose a picture first.',
    wrongSetting: 'A setting cannot be used; it is marked.',
    mustBe: (what: string) => `Must be ${what}.`,
    needQuestion: 'Type a question, or take one of the suggestions.',
  },
  stream: {
    title: 'Answer',
    text: 'Text of the answer',
    empty:
      'The answer will appear here, piece by piece: thinking, looking back at the picture, and the result.',
    waiting: 'Reading the picture and the question…',
    latest: 'Jump to latest',
    again: 'Ask again',
    newSeed: 'Ask again with a new seed',
    add: 'Add to dataset',
    tokensCut: 'Stopped at the longest length allowed.',
    stopped: 'Stopped. What was written so far is kept.',
    noAnswer: 'No answer was given in a box.',
    right: (truth: string) => `Right: the true answer is ${truth}.`,
    wrong: (truth: string) => `Wrong: the true answer is ${truth}.`,
    share: (mean: string, top: string) => `${mean} of attention on the image on average, ${top} at most`,
    selectCard: (title: string) => `Select the steps of ${title}`,
  },
  segments: {
    think: 'Think',
    back: 'Look back',
    answer: 'Answer',
    text: 'Text',
  } satisfies Record<SegmentKind, string>,
  announce: {
    think: 'Thinking.',
    back: 'Looking back at the image.',
    text: 'Writing.',
    answer: (text: string) => `Answer: ${text}.`,
    finished: 'Finished.',
    stopped: 'Stopped.',
    interrupted: 'The answer was interrupted.',
    ready: (model: string) => `${model} is ready.`,
  },
  chart: {
    title: 'What it attends to',
    empty:
      'The share of attention on the image, on your question and on its own words will be drawn here, token by token.',
    image: 'image',
    query: 'question',
    generated: 'own words',
    back: 'back',
    xAxis: 'generated token',
    yAxis: 'share of attention',
    label: 'Chart of attention shares per generated token',
    live: 'Live',
    toLive: 'Back to live',
    rows: 'Shares as a table',
    columns: ['Step', 'Token', 'Segment', 'Image', 'Question', 'Own words'],
    summaryColumns: [
      'Segment',
      'Steps',
      'Image, mean',
      'Image, highest',
      'Question, mean',
      'Own words, mean',
    ],
    unrecorded: '–',
    about: 'What is plotted',
    definition:
      'For each generated token: how much of its attention falls on the image, on your question, and on the text generated so far. In every layer, the mean over heads is divided by all that falls on the image and after it (the system prompt is left out); then the mean over layers is taken. One special token belongs to no class, so the three add up to slightly less than 1.',
    caveat:
      'Attention shows where information could be read from, not why an answer was given: it is not an explanation. Some image tokens draw attention whatever the step.',
    source: 'Definition: Look-Back (arXiv 2507.03019), attention ratio.',
  },
  figures: {
    speed: 'Speed',
    speedUnit: 'tokens/s',
    first: 'First token after',
    tokens: 'Tokens',
    of: (generated: number, prompt: number) => `${generated} (prompt ${prompt})`,
    seed: 'Seed',
    greedySeed: (seed: number) => `${seed} (unused, greedy)`,
    model: 'Model',
    adapter: 'Adapter',
    device: 'Device',
    inBack: 'In back',
    none: '–',
  },
  load: {
    title: (label: string) => `Loading ${label}`,
    cancel: 'Cancel',
    waiting: 'Starting the engine',
    phases: {
      device: 'Asking for the graphics device',
      download: 'Fetching the model',
      check: 'Checking the files',
      upload: 'Moving weights to the device',
      compile: 'Compiling kernels',
      'warm-up': 'Warming up',
    } satisfies Record<LoadPhase, string>,
  },
  trouble: {
    recovering: 'The graphics device was reset. Recovering; the text so far is kept.',
    restored: 'The graphics device is back. You can ask again.',
    lost: 'The graphics device was reset and did not come back.',
    details: 'Details for a report',
    copy: 'Copy details',
    copied: 'Copied',
  },
  keys: {
    title: 'Keys',
    close: 'Close',
    enable: 'Single-letter keys',
    enableWhy: 'They act only outside text fields. Arrow keys and Esc always work.',
    rows: [
      ['Enter', 'ask'],
      ['Shift + Enter', 'new line in the question'],
      ['Esc', 'back to live, or stop'],
      ['← →', 'previous or next step'],
      ['Shift + ← →', 'extend the range; its maps are averaged'],
      ['[ ]', 'previous or next segment'],
      ['b', 'next look back'],
      ['o', 'heatmap on or off'],
      ['- =', 'heatmap weaker or stronger'],
      ['c', 'compare base and adapter'],
      ['/', 'to the question'],
      ['?', 'this list'],
    ],
  },
} as const;

/** What a notice offers to do about an error. */
export type ErrorAction =
  | 'retry'
  | 'restart'
  | 'ask-again'
  | 'choose-picture'
  | 'reload'
  | 'open-library'
  | 'open-train'
  | 'none';

/** Words for one error: what happened, why if known, what can be done. */
export interface ErrorCopy {
  readonly title: string;
  readonly why: string;
  /** Things to try, in order. */
  readonly steps: readonly string[];
  readonly action: ErrorAction;
}

/** Labels of the actions; `none` has no button. */
export const ACTION_LABELS: Record<Exclude<ErrorAction, 'none'>, string> = {
  retry: 'Try again',
  restart: 'Start the engine again',
  'ask-again': 'Ask again',
  'choose-picture': 'Choose another picture',
  reload: 'Reload the page',
  'open-library': 'See what is stored',
  'open-train': 'Go to the run',
};

const BROWSERS =
  'Use a current browser: Chrome or Edge (113 or newer), Safari 26, or Firefox (141 or newer on Windows, 145 on Apple silicon).';
const LINUX =
  'On Linux, Chrome may need chrome://flags/#enable-unsafe-webgpu (“Unsafe WebGPU Support”) and chrome://flags/#enable-vulkan.';
const ACCELERATION =
  'Turn on “Use graphics acceleration when available” in the browser’s system settings, then restart the browser.';

function copy(title: string, why: string, steps: readonly string[], action: ErrorAction): ErrorCopy {
  return { title, why, steps, action };
}

function text(error: PlainError, key: string): string {
  const value = error.data?.[key];
  return typeof value === 'number' ? value.toLocaleString('en') : typeof value === 'string' ? value : '?';
}

function notDataset(error: PlainError): ErrorCopy {
  return copy(
    'This cannot be used as a dataset',
    error.message,
    ['A table as JSON lines with image, question and answer, and the pictures that it names, will do.'],
    'none',
  );
}

function notAdapter(error: PlainError): ErrorCopy {
  return copy(
    'This is not an adapter that can be used here',
    error.message,
    ['A zip with adapter_config.json and adapter_model.safetensors, as PEFT writes them, will do.'],
    'none',
  );
}

const CATALOGUE: Readonly<Record<string, (error: PlainError) => ErrorCopy>> = {
  'gpu/unavailable': () =>
    copy(
      'This browser has no WebGPU',
      'The model runs on your graphics device through WebGPU, and this browser does not offer it.',
      [BROWSERS, LINUX],
      'retry',
    ),
  'page/insecure': () =>
    copy(
      'This address hides WebGPU',
      'Browsers offer WebGPU only to pages from https:// or from localhost, and this page came another way.',
      ['Open the page through https://, or through http://localhost.'],
      'none',
    ),
  'gpu/no-adapter': () =>
    copy(
      'WebGPU is here, but no graphics device answered',
      'The browser knows WebGPU but found no device that it may use: acceleration is off, the driver is on its block list, or the device is busy.',
      [ACCELERATION, 'Update the graphics driver.', LINUX],
      'retry',
    ),
  'gpu/limit': (error) =>
    copy(
      'This device is too small for this model',
      `The model needs ${text(error, 'name')} = ${text(error, 'need')}; this device gives ${text(error, 'have')}.`,
      ['Choose a smaller model.', 'Close other pages that use the graphics device.'],
      'retry',
    ),
  'gpu/out-of-memory': () =>
    copy(
      'The graphics device ran out of memory',
      'The model, the picture and the answer together did not fit.',
      [
        'Close other tabs that use the graphics device.',
        'Ask for a shorter answer, or take a smaller picture.',
      ],
      'ask-again',
    ),
  'gpu/device-lost': () =>
    copy(
      'The graphics device was reset',
      'The browser or the driver took the device away while it was working. The text so far is kept.',
      ['Ask again. If it happens again, restart the browser.'],
      'ask-again',
    ),
  'gpu/shader': () =>
    copy(
      'A kernel does not compile on this device',
      'The driver refused one of our programs. That is a fault of ours or of the driver.',
      ['Update the browser and the graphics driver.', 'Report it with the details below.'],
      'retry',
    ),
  'gpu/kernel-wrong': (error) =>
    copy(
      'This device computes wrong results',
      `${error.message} Rather than show wrong attention, the page stops here.`,
      ['Update the browser and the graphics driver.', 'Report it with the details below.'],
      'retry',
    ),
  'model/download': (error) =>
    copy(
      'The model could not be fetched',
      error.message,
      ['Check the connection to the server that this page came from.'],
      'retry',
    ),
  'model/integrity': (error) => copy('A file of the model arrived damaged', error.message, [], 'retry'),
  'engine/cancelled': () => copy('Loading was cancelled', 'You stopped it.', [], 'retry'),
  'engine/state': (error) => copy('The engine is busy with something else', error.message, [], 'none'),
  'worker/crashed': (error) =>
    copy('The engine stopped', error.message, ['Start it again; the text so far is kept.'], 'restart'),
  'worker/version': () =>
    copy(
      'The page and its engine are of different versions',
      'A new version was published while this page was open.',
      [],
      'reload',
    ),
  'data/image': (error) =>
    copy(
      'This file cannot be read as a picture',
      error.message,
      ['PNG, JPEG, WebP, GIF and BMP files work.'],
      'choose-picture',
    ),
  'data/image-size': (error) =>
    copy(
      'This picture is too large',
      error.message,
      ['Scale it down first. The model looks at far fewer pixels anyway.'],
      'choose-picture',
    ),
  'data/image-aspect': (error) =>
    copy(
      'This picture is too long and thin',
      error.message,
      ['Crop it so that one side is at most 200 times the other.'],
      'choose-picture',
    ),
  'data/dataset': notDataset,
  'data/dataset-empty': notDataset,
  'data/dataset-read': notDataset,
  'data/dataset-size': notDataset,
  'data/dataset-table': notDataset,
  'data/model': (error) => copy('No model is loaded', error.message, [], 'retry'),
  'data/preview': (error) => copy('What was previewed is gone', error.message, [], 'none'),
  'data/zip': (error) => copy('This zip cannot be read', error.message, [], 'none'),
  'storage/full': (error) =>
    copy(
      'There is no room left on this device',
      error.message,
      ['Export what you want to keep, and delete what you do not need.', 'Nothing that was stored is lost.'],
      'open-library',
    ),
  'storage/newer': (error) =>
    copy(
      'What is stored was written by a newer version of this page',
      error.message,
      ['Reload the page to get the newer version. Nothing was changed.'],
      'reload',
    ),
  'storage/blocked': (error) =>
    copy(
      'Another tab of this page holds what is stored',
      error.message,
      ['Close the other tabs of this page: one of them may be of an older version.'],
      'reload',
    ),
  'storage/unavailable': (error) =>
    copy(
      'This browser does not let the page store anything',
      error.message,
      ['Private windows and blocked site data prevent storing. Asking questions works all the same.'],
      'reload',
    ),
  'storage/closed': (error) => copy('The browser closed the storage', error.message, [], 'reload'),
  'storage/missing': (error) =>
    copy(
      'This is no longer stored',
      error.message,
      ['It was deleted, here or in another tab, or the browser cleared it.'],
      'none',
    ),
  'train/busy': (error) =>
    copy('A run is going on', error.message, ['Pause it, or wait until it is done.'], 'open-train'),
  'train/not-finite': (error) =>
    copy(
      'The training broke down: a number became infinite or undefined',
      error.message,
      ['Go on from the last good checkpoint with half the learning rate.'],
      'open-train',
    ),
  'train/memory': (error) =>
    copy(
      'This training does not fit on this device',
      error.message,
      [
        'Take fewer tokens per micro-batch, shorter answers or a smaller rank.',
        'Turn on recomputing of layers.',
      ],
      'open-train',
    ),
  'train/interrupted': (error) => copy('The run was interrupted', error.message, [], 'open-train'),
  'train/model': (error) => copy('Another model is loaded', error.message, [], 'none'),
  'train/config': (error) => copy('This plan cannot be trained', error.message, [], 'none'),
  'adapter/base': (error) =>
    copy(
      'This adapter belongs to another base model',
      error.message,
      ['Load the model that it was trained on: its numbers mean nothing to another one.'],
      'none',
    ),
  'adapter/no-checkpoint': (error) =>
    copy('This run has nothing to save yet', error.message, [], 'open-train'),
  'model/adapter': notAdapter,
  'storage/archive': notAdapter,
  'page/part': () =>
    copy(
      'A part of the page could not be fetched',
      'The connection is down, or a new version was published while this page was open.',
      ['Reload once you are online again. What is stored here stays.'],
      'reload',
    ),
  'usage/argument': (error) => copy('This cannot be asked', error.message, [], 'none'),
  'data/prompt-length': (error) =>
    copy('This question is too long', error.message, ['Shorten the question.'], 'none'),
};

/** Words for an error. Codes without an entry of their own get the engine's sentence and a way to try again. */
export function errorCopy(error: PlainError): ErrorCopy {
  const entry = CATALOGUE[error.code];
  if (entry !== undefined) return entry(error);
  if (error.code.startsWith('gpu/'))
    return copy('The graphics device reported an error', error.message, [], 'retry');
  if (error.code.startsWith('model/')) return copy('This model cannot be used', error.message, [], 'retry');
  if (error.code.startsWith('data/')) return copy('This input cannot be used', error.message, [], 'none');
  if (error.code.startsWith('storage/'))
    return copy('Storing on this device failed', error.message, [], 'open-library');
  if (error.code.startsWith('train/')) return copy('The training stopped', error.message, [], 'open-train');
  if (error.code.startsWith('worker/')) return copy('The engine stopped', error.message, [], 'restart');
  return copy('Something went wrong', error.message, ['Report it with the details below.'], 'retry');
}

/** What goes to the clipboard: everything a report needs, and nothing of the picture or the question. */
export function errorDetails(error: PlainError, context: Readonly<Record<string, string>>): string {
  const lines = [`code: ${error.code}`, `message: ${error.message}`];
  if (error.data !== undefined) lines.push(`data: ${JSON.stringify(error.data)}`);
  for (const [key, value] of Object.entries(context)) lines.push(`${key}: ${value}`);
  return lines.join('\n');
}
