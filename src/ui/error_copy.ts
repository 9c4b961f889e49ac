// Words every error: what happened, why, what can be done, and which action the page offers. Codes come from lib/errors.ts.

import type { PlainError } from '../lib/plain_error';
import { control, pageName } from './controls';
import { CHECK_NAME, type ErrorLink, GIVE_TOKEN, HUB_AWAY, hubPageLink } from './hub_help';

/** What a notice offers to do about an error. */
export type ErrorAction =
  | 'retry'
  | 'restart'
  | 'ask-again'
  | 'choose-picture'
  | 'reload'
  | 'open-library'
  | 'open-train'
  | 'open-models'
  | 'none';

/** Words for one error: what happened, why if known, what can be done. */
export interface ErrorCopy {
  readonly title: string;
  readonly why: string;
  /** Things to try, in order. */
  readonly steps: readonly string[];
  readonly action: ErrorAction;
  /** A page elsewhere that helps. */
  readonly link?: ErrorLink;
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
  'open-models': 'See the models',
};

const BROWSERS =
  'Use a current browser: Chrome or Edge (113 or newer), Safari 26, or Firefox (141 or newer on Windows, 145 on Apple silicon).';
const LINUX =
  'On Linux, Chrome may need chrome://flags/#enable-unsafe-webgpu (“Unsafe WebGPU Support”) and chrome://flags/#enable-vulkan.';
const ACCELERATION =
  'Turn on “Use graphics acceleration when available” in the browser’s system settings, then restart the browser.';

/** How to get room for what did not fit. */
export const ROOM = `On ${pageName('library')}, press ${control('exportAdapter')} for adapters to keep and ${control('deleteStored')} for adapters and runs that you do not need; for datasets, press ${control('deleteDataset')} on ${pageName('data')}.`;

const REPORT = `Report it with what stands under ${control('details')}.`;

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

/** What the run's own reward did; the run is paused after its last step. */
function ownReward(error: PlainError): ErrorCopy {
  return copy(
    'The reward of your own did not work',
    error.message,
    [
      'The run is kept as it was after its last step. Save its adapter, and continue it with a better function.',
    ],
    'open-train',
  );
}

function notAdapter(error: PlainError): ErrorCopy {
  return copy(
    'This is not an adapter that can be used here',
    error.message,
    [
      'adapter_config.json and adapter_model.safetensors, as PEFT writes them, will do: both files, their folder, or a zip.',
    ],
    'none',
  );
}

function brokenModel(title: string, error: PlainError): ErrorCopy {
  return copy(title, error.message, ['Fetch the model again, or choose another.'], 'retry');
}

/** Words for each error code, made from the error. */
export const ERROR_CATALOGUE: Readonly<Record<string, (error: PlainError) => ErrorCopy>> = {
  'gpu/unavailable': () =>
    copy(
      'This browser has no WebGPU',
      'The model runs on your graphics device through WebGPU, and this browser does not offer it. Recorded answers play all the same.',
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
      'The browser knows WebGPU but found no device that it may use: acceleration is off, the driver is on its block list, or the device is busy. Recorded answers play all the same.',
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
      ['Update the browser and the graphics driver.', REPORT],
      'retry',
    ),
  'gpu/kernel-wrong': (error) =>
    copy(
      'This device computes wrong results',
      `${error.message} Rather than show wrong attention, the page stops here.`,
      ['Update the browser and the graphics driver.', REPORT],
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
  'data/trace': (error) =>
    copy(
      'This is no saved answer that can be played',
      error.message,
      ['Save or share the answer again where it was given, and open the file or the link as it is.'],
      'none',
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
  'data/files': (error) => copy('These files cannot be taken', error.message, [], 'none'),
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
      [ROOM, 'Nothing that was stored is lost.'],
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
      [`The plan on ${pageName('train')} says what takes the memory, and which setting to change.`],
      'open-train',
    ),
  'train/interrupted': (error) => copy('The run was interrupted', error.message, [], 'open-train'),
  'train/model': (error) => copy('Another model is loaded', error.message, [], 'none'),
  'adapter/base': (error) =>
    copy(
      'This adapter belongs to another base model',
      error.message,
      ['Load the model that it was trained on: its numbers mean nothing to another one.'],
      'none',
    ),
  'adapter/no-checkpoint': (error) =>
    copy('This run has nothing to save yet', error.message, [], 'open-train'),
  'adapter/cancelled': (error) => copy('Nothing was imported', error.message, [], 'none'),
  'train/adapter': (error) => copy('Training cannot continue this adapter', error.message, [], 'open-train'),
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
  'data/picture-count': (error) => copy('Not as many pictures as that', error.message, [], 'none'),
  'data/prompt-length': (error) =>
    copy('This question is too long', error.message, ['Shorten the question.'], 'none'),
  'gpu/validation': (error) =>
    copy('The graphics device refused a command', error.message, [REPORT], 'retry'),
  'gpu/params': (error) => copy('A kernel was given wrong numbers', error.message, [REPORT], 'retry'),
  'tensor/shape': (error) => copy('Two tensors do not fit together', error.message, [REPORT], 'retry'),
  'internal/invariant': (error) =>
    copy('The engine found a fault of its own', error.message, [REPORT], 'retry'),
  'internal/unknown': (error) => copy('Something went wrong', error.message, [REPORT], 'retry'),
  'model/files': (error) => brokenModel('A file of the model is missing', error),
  'model/config': (error) => brokenModel('The settings of the model cannot be read', error),
  'model/checkpoint': (error) => brokenModel('The weight files of the model do not fit together', error),
  'model/safetensors': (error) => brokenModel('A weight file of the model is damaged', error),
  'model/weights': (error) => brokenModel('The weights are not those of this kind of model', error),
  'model/tied-head': (error) => brokenModel('The output layer of the model is ambiguous', error),
  'model/dtype': (error) => brokenModel('A weight has a number format that is not supported', error),
  'model/tokenizer': (error) => brokenModel('The tokenizer of the model cannot be used', error),
  'model/chat-template': (error) => brokenModel('The chat template of the model cannot be used', error),
  'model/unsupported': (error) =>
    copy('This kind of model is not supported yet', error.message, ['Choose another model.'], 'none'),
  'model/unknown': (error) =>
    copy('There is no such model', error.message, ['Choose one of the list.'], 'none'),
  'model/list': (error) => copy('The list of models cannot be read', error.message, [], 'reload'),
  'model/mode': (error) =>
    copy('The model has no such prompt', error.message, ['Choose another prompt.'], 'none'),
  'model/token': (error) =>
    copy('The prompt holds a token that the model lacks', error.message, [REPORT], 'none'),
  'model/image': (error) =>
    copy('The model cannot take this picture', error.message, ['Choose another picture.'], 'none'),
  'model/image-tokens': (error) => copy('Picture and question do not match', error.message, [REPORT], 'none'),
  'model/hub-address': (error) => copy('This cannot be the address of a hub', error.message, [], 'none'),
  'model/hub-token': (error) => copy('This is not a token', error.message, [], 'none'),
  'model/not-here': (error) =>
    copy(
      'The model is not on this device',
      error.message,
      [`Choose it on ${pageName('models')}.`],
      'open-models',
    ),
  'model/download-busy': (error) =>
    copy(
      'Another download is under way',
      error.message,
      [`Press ${control('pauseDownload')} there first.`],
      'none',
    ),
  'model/download-paused': (error) =>
    copy('The download is paused', error.message, [`Press ${control('resumeDownload')} to go on.`], 'none'),
  'storage/model-in-use': (error) => copy('This model is in use', error.message, [], 'none'),
  'model/hub-name': (error) =>
    copy('This is not the name of a model', error.message, ['Copy the name from the model’s page.'], 'none'),
  'model/hub-missing': (error) =>
    copy('The hub has nothing of that name', error.message, [CHECK_NAME], 'none'),
  'model/hub-gated': (error) => ({
    ...copy('Its owners ask for a permission first', error.message, [GIVE_TOKEN], 'none'),
    ...hubPageLink(error),
  }),
  'model/hub-unreachable': (error) =>
    copy('The model hub does not answer', error.message, [HUB_AWAY], 'retry'),
  'model/hub-busy': (error) =>
    copy('The model hub is busy', error.message, ['What has arrived is kept.'], 'retry'),
  'model/hub-changed': (error) =>
    copy('The model changed while it was downloaded', error.message, [], 'retry'),
  'model/hub-refused': (error) => copy('The model hub refused', error.message, [], 'retry'),
  'model/hub-answer': (error) =>
    copy('The model hub said something that cannot be understood', error.message, [], 'retry'),
  'storage/model-busy': (error) => copy('Another tab is loading this model', error.message, [], 'retry'),
  'storage/model-damaged': (error) =>
    copy(
      'A stored model is damaged',
      error.message,
      [`Bring it again on ${pageName('models')}: it is fetched anew.`],
      'open-models',
    ),
  'storage/busy': (error) => copy('Another tab is at work on this', error.message, [], 'retry'),
  'storage/failed': (error) => copy('The browser could not store this', error.message, [], 'retry'),
  'data/messages': (error) => copy('This conversation cannot be used', error.message, [], 'none'),
  'data/cold-start': (error) => copy('The cold start cannot go on', error.message, [], 'none'),
  'data/row': (error) => copy('A row of the dataset cannot be used', error.message, [], 'none'),
  'data/image-tokens': (error) =>
    copy('The pictures of a conversation do not match its text', error.message, [], 'none'),
  'data/cancelled': () => copy('The import was cancelled', 'Nothing was kept.', [], 'none'),
  'train/other-device': (error) =>
    copy('This run began on another graphics device', error.message, [], 'open-train'),
  'train/left-out': (error) => copy('Rows were left out of the training', error.message, [], 'none'),
  'reward/source': ownReward,
  'reward/failed': ownReward,
  'reward/memory': ownReward,
  'reward/time': ownReward,
  'train/reward': (error) =>
    copy('A reward is not known', error.message, ['Choose rewards of the list.'], 'open-train'),
};

/** Words for an error; one without words of its own gets the engine's sentence. */
export function errorCopy(error: PlainError): ErrorCopy {
  const entry = ERROR_CATALOGUE[error.code];
  if (entry !== undefined) return entry(error);
  return copy('Something went wrong', error.message, [REPORT], 'retry');
}

/** What goes to the clipboard: everything a report needs, and nothing of the picture or the question. */
export function errorDetails(error: PlainError, context: Readonly<Record<string, string>>): string {
  const lines = [`code: ${error.code}`, `message: ${error.message}`];
  if (error.data !== undefined) lines.push(`data: ${JSON.stringify(error.data)}`);
  for (const [key, value] of Object.entries(context)) lines.push(`${key}: ${value}`);
  return lines.join('\n');
}
