// The dialog that lists the keys of the page, and switches those that are single letters on or off.

import { Modal } from './confirm';
import { PAGES } from './controls';
import { GUIDE_COPY } from './look/guide_copy';
import { guideShown, showGuide } from './look/guide_shown';
import { letterKeys } from './look/view_settings';

const ROWS = [
  ['Enter', 'ask'],
  ['Shift + Enter', 'new line in the question'],
  ['Esc', 'no region, back to live, or stop'],
  ['← → ↑ ↓ on the picture', 'choose a cell; Shift extends; its tokens are marked'],
  ['← →', 'previous or next step'],
  ['Shift + ← →', 'extend the range; its maps are averaged'],
  ['[ ]', 'previous or next segment'],
  ['b', 'next look back'],
  ['o', 'heatmap on or off'],
  ['- =', 'heatmap weaker or stronger'],
  ['c', 'compare base and adapter'],
  ['/', 'to the question'],
  ['Space', `on ${PAGES.train}: pause the run, or let it go on`],
  ['s', `on ${PAGES.train}: one step of a paused run`],
  ['?', 'this list'],
] as const;

/** The dialog; `onClose` ends it. */
export function KeysDialog({ onClose }: { readonly onClose: () => void }) {
  return (
    <Modal title="Keys" onClose={onClose}>
      <dl class="keys">
        {ROWS.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={letterKeys.value}
          onChange={(event) => {
            letterKeys.value = event.currentTarget.checked;
          }}
        />
        Single-letter keys
      </label>
      <p class="hint">They act only outside text fields. Arrow keys and Esc always work.</p>
      <div class="dialog-actions">
        {!guideShown.value && (
          <button type="button" onClick={() => showGuide(true)}>
            {GUIDE_COPY.again}
          </button>
        )}
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Modal>
  );
}
