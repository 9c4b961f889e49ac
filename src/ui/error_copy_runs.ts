// Words the errors of storage, of training runs, and of rewards that people write themselves.

import type { ErrorCodeOf } from '../lib/error_codes';
import { control, pageName } from './controls';
import { type ErrorWords, ROOM, said } from './error_words';

const REWARD_KEPT =
  'The run is kept as it was after its last step: save its adapter, and continue it with a better function.';

/** Words for the codes `storage/…`, `train/…` and `reward/…`. */
export const RUN_ERRORS: ErrorWords<ErrorCodeOf<'storage' | 'train' | 'reward'>> = {
  'storage/full': said(
    'There is no room left on this device',
    [ROOM, 'Nothing that was stored is lost.'],
    'open-library',
  ),
  'storage/newer': said(
    'What is stored was written by a newer version of this page',
    ['Reload the page to get the newer version. Nothing was changed.'],
    'reload',
  ),
  'storage/blocked': said(
    'Another tab of this page holds what is stored',
    ['Close the other tabs of this page: one of them may be of an older version.'],
    'reload',
  ),
  'storage/unavailable': said(
    'This browser does not let the page store anything',
    ['Private windows and blocked site data prevent storing. Asking questions works all the same.'],
    'reload',
  ),
  'storage/closed': said(
    'The browser closed the storage',
    ['Reload the page. What was stored before is unchanged.'],
    'reload',
  ),
  'storage/missing': said('This is no longer stored', [
    'It was deleted, here or in another tab, or the browser cleared it.',
    `Ask the browser on ${pageName('library')} to keep what is stored, and export what matters.`,
  ]),
  'storage/archive': said('This file does not hold what it should', [
    `Choose a file as ${control('exportAdapter')} writes it. An adapter is adapter_config.json and adapter_model.safetensors, as PEFT writes them: both files, their folder, or a zip.`,
  ]),
  'storage/backup': said('This is no backup that can be restored', [
    `Choose a zip that ${control('exportAll')} wrote, whole and as it was: copy or download it again if it was cut off.`,
    'Nothing was changed.',
  ]),
  'storage/backup-newer': said(
    'This backup was made by a newer version of this page',
    ['Reload the page to get the newer version, and restore it then. Nothing was changed.'],
    'reload',
  ),
  'storage/cancelled': said('The backup was cancelled', [
    'Nothing half-written was left. Begin it again when there is time for it.',
  ]),
  'storage/busy': said(
    'Another tab is at work on this',
    ['Let it finish, or pause it in that tab.'],
    'retry',
  ),
  'storage/failed': said(
    'The browser could not store this',
    ['Close other tabs of this page and try again. If it stays so, restart the browser.'],
    'retry',
  ),
  'storage/model-in-use': said('This model is in use', ['Load another model first, here and in other tabs.']),
  'storage/model-busy': said(
    'Another tab is loading this model',
    ['Wait until it is loaded there, or close that tab.'],
    'retry',
  ),
  'storage/model-damaged': said(
    'A stored model is damaged',
    [`Bring it again on ${pageName('models')}: it is fetched anew.`],
    'open-models',
  ),
  'train/busy': said('A run is going on', ['Pause it, or wait until it is done.'], 'open-train'),
  'train/not-finite': said(
    'The training broke down: a number became infinite or undefined',
    ['Go on from the last good checkpoint with half the learning rate.'],
    'open-train',
  ),
  'train/memory': said(
    'This training does not fit on this device',
    [`The plan on ${pageName('train')} says what takes the memory, and which setting to change.`],
    'open-train',
  ),
  'train/early-stop': said(
    'The run ended early: it no longer got better',
    [`Save its best adapter with ${control('saveAdapter')}, or start a run with more patience.`],
    'open-train',
  ),
  'train/interrupted': said(
    'The run was interrupted',
    [`Press ${control('resume')}: it goes on from its last checkpoint.`],
    'open-train',
  ),
  'train/other-device': said(
    'This run began on another graphics device',
    ['It goes on all the same, but not bit for bit as it would have there.'],
    'open-train',
  ),
  'train/model': said('Another model is loaded than the run’s', [
    `Choose the run’s under ${control('model')} in the bar at the top.`,
  ]),
  'train/adapter': said(
    'Training cannot continue this adapter',
    [`Choose another under ${control('planAdapter')}, or begin with a new one.`],
    'open-train',
  ),
  'train/reward': said(
    'A reward is not known, or gave no number',
    ['Choose rewards of the list, and let one of your own return a finite number.'],
    'open-train',
  ),
  'train/left-out': said('Rows were left out of the training', [
    'Shorten or mend them if they matter; the others are trained on.',
  ]),
  'reward/source': said(
    'The reward of your own cannot be read',
    ['Let it define one function named reward.', REWARD_KEPT],
    'open-train',
  ),
  'reward/failed': said(
    'The reward of your own threw an error',
    ['Try the function on an answer in which what it expects is missing.', REWARD_KEPT],
    'open-train',
  ),
  'reward/memory': said(
    'The reward of your own took too much memory',
    ['Let it keep less: an answer is at most a few thousand characters.', REWARD_KEPT],
    'open-train',
  ),
  'reward/time': said(
    'The reward of your own took too long',
    ['Look for a loop that does not end, or a pattern that backtracks.', REWARD_KEPT],
    'open-train',
  ),
};
