// Words the errors of the graphics device, of the engine's own faults, of its Worker and of the page's parts.

import type { ErrorCodeOf } from '../lib/error_codes';
import { control } from './controls';
import { copy, detail, type ErrorWords, REPORT, said } from './error_words';

const BROWSERS =
  'Use a current browser: Chrome or Edge (113 or newer), Safari 26, or Firefox (141 or newer on Windows, 145 on Apple silicon).';
const LINUX =
  'On Linux, Chrome may need chrome://flags/#enable-unsafe-webgpu (“Unsafe WebGPU Support”) and chrome://flags/#enable-vulkan.';
const ACCELERATION =
  'Turn on “Use graphics acceleration when available” in the browser’s system settings, then restart the browser.';
const DRIVER = 'Update the browser and the graphics driver.';

type EngineAreas = 'gpu' | 'tensor' | 'internal' | 'usage' | 'engine' | 'worker' | 'page';

/** Words for the codes `gpu/…`, `tensor/…`, `internal/…`, `usage/…`, `engine/…`, `worker/…` and `page/…`. */
export const ENGINE_ERRORS: ErrorWords<ErrorCodeOf<EngineAreas>> = {
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
      error.data?.need === undefined
        ? error.message
        : `The model needs ${detail(error, 'name')} = ${detail(error, 'need')}; this device gives ${detail(error, 'have')}.`,
      ['Choose a smaller model.', 'Close other pages that use the graphics device.'],
      'open-models',
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
  'gpu/shader': said('A kernel does not compile on this device', [DRIVER, REPORT], 'retry'),
  'gpu/kernel-wrong': (error) =>
    copy(
      'This device computes wrong results',
      `${error.message} Rather than show wrong attention, the page stops here.`,
      [DRIVER, REPORT],
      'retry',
    ),
  'gpu/validation': said('The graphics device refused a command', [DRIVER, REPORT], 'retry'),
  'gpu/params': said('A kernel was given wrong numbers', [REPORT], 'retry'),
  'tensor/shape': said('Two tensors do not fit together', [REPORT], 'retry'),
  'internal/invariant': said('The engine found a fault of its own', [REPORT], 'retry'),
  'internal/unknown': said('Something went wrong', [`Try it once more. ${REPORT}`], 'retry'),
  'usage/argument': said('This cannot be asked', ['Change the setting that is named, and ask again.']),
  'engine/cancelled': () =>
    copy('Loading was cancelled', 'You stopped it.', ['What has arrived is kept.'], 'retry'),
  'engine/state': said('The engine is busy with something else', [
    'Wait until it is done, or stop what it is doing.',
  ]),
  'worker/crashed': said('The engine stopped', ['Start it again; the text so far is kept.'], 'restart'),
  'worker/version': () =>
    copy(
      'The page and its engine are of different versions',
      'A new version was published while this page was open.',
      ['Reload the page. What is stored here stays.'],
      'reload',
    ),
  'page/part': () =>
    copy(
      'A part of the page could not be fetched',
      'The connection is down, or a new version was published while this page was open.',
      [`Reload once you are online again. If it stays so, report what stands under ${control('details')}.`],
      'reload',
    ),
};
