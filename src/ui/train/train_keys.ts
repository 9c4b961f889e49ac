// Turns key presses on the Train page into commands of the shown run: Space pauses it or lets it go on, `s` takes one step.

import { isLive } from '../../state/session';
import type { Train } from '../../state/train';
import { isInField, isOnControl, isOwnPress } from '../key_press';
import { letterKeys } from '../look/view_settings';
import { mayResume } from './run_panel';

/** What of the state the keys move. */
type KeyedTrain = Pick<Train, 'shown' | 'live' | 'control' | 'commands'>;

/** Pauses the shown run, or lets it go on; false where it can do neither. */
function pauseOrResume({ shown, live, control, commands }: KeyedTrain): boolean {
  const run = shown.selected.value;
  if (run === null) return false;
  const status = live.status.value?.runId === run.id ? live.status.value : null;
  if (status !== null && isLive(status.state)) {
    if (status.state !== 'pausing' && !commands.pending.value.has('pause')) void control.pause();
    return true;
  }
  if (!mayResume(run, status) || live.live.value || commands.pending.value.size > 0) return false;
  void control.resume(run.id);
  return true;
}

function stepOnce({ shown, live, control, commands }: KeyedTrain): boolean {
  const run = shown.selected.value;
  const status = run !== null && live.status.value?.runId === run.id ? live.status.value : null;
  if (run === null || !mayResume(run, status) || live.live.value || commands.pending.value.size > 0)
    return false;
  void control.stepOnce(run.id);
  return true;
}

/** Starts listening; returns how to stop. */
export function listenToTrainKeys(train: KeyedTrain): () => void {
  const onKey = (event: KeyboardEvent): void => {
    if (!isOwnPress(event) || event.repeat) return;
    const acted =
      event.key === ' '
        ? !isOnControl(event) && pauseOrResume(train)
        : event.key === 's' && letterKeys.value && !isInField(event) && stepOnce(train);
    if (acted) event.preventDefault();
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}
