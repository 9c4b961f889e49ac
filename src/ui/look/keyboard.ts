// Turns key presses into commands of the state, by one listener on the document. A single-letter key never acts while
// a field, a control that uses letters or arrows, or a dialog has the focus, nor with Ctrl, Alt or Meta held.

import { batch } from '@preact/signals';
import type { Look } from '../../state/look';
import { isOpen } from '../../state/session';
import { isInField, isOwnPress } from '../key_press';
import { changeOpacity, letterKeys, overlayShown } from './view_settings';

/** What the keys need beside the state. */
export interface KeyTargets {
  focusQuestion(): void;
  showKeys(): void;
}

function letterCommands(look: Look, targets: KeyTargets): Record<string, () => void> {
  return {
    '[': () => look.moveCard(-1),
    ']': () => look.moveCard(1),
    b: () => look.nextBack(),
    o: () => {
      overlayShown.value = !overlayShown.value;
    },
    '-': () => changeOpacity(-0.1),
    '=': () => changeOpacity(0.1),
    c: () => look.setComparing(!look.comparing.value),
    '/': () => targets.focusQuestion(),
    '?': () => targets.showKeys(),
  };
}

/** Esc: from a region of the picture to none; from a pinned selection back to live; from live, stops the answer. In a field it stops at once. */
function pressEscape(look: Look, inField: boolean): boolean {
  if (!inField && look.region.value !== null) {
    look.clearRegion();
    return true;
  }
  const running = isOpen(look.session.value.answer);
  const pinned = look.selection.value.kind !== 'live';
  if (running && (inField || !pinned)) {
    void look.stop();
    return true;
  }
  if (!pinned || inField) return false;
  look.toLive();
  return true;
}

/** Starts listening; returns how to stop. */
export function listenToKeys(look: Look, targets: KeyTargets): () => void {
  const letters = letterCommands(look, targets);
  const onKey = (event: KeyboardEvent): void => {
    if (!isOwnPress(event)) return;
    const inField = isInField(event);
    let acted = false;
    if (event.key === 'Escape') {
      const inDialog = event.target instanceof Element && event.target.closest('dialog') !== null;
      acted = !inDialog && pressEscape(look, inField);
    } else if (inField) return;
    else if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      if (look.readout.value === null) return;
      batch(() => look.moveStep(event.key === 'ArrowLeft' ? -1 : 1, event.shiftKey));
      acted = true;
    } else if (letterKeys.value && Object.hasOwn(letters, event.key)) {
      letters[event.key]?.();
      acted = true;
    }
    if (acted) event.preventDefault();
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}
