// Which key presses are the page's own, and which belong to what has the focus.
import { afterEach, describe, expect, it } from 'vitest';
import { isInField, isOnControl, isOwnPress } from '../../src/ui/key_press';

afterEach(() => document.body.replaceChildren());

/** The press as the document hears it from the marked element. */
function heard(html: string, init: KeyboardEventInit = {}): KeyboardEvent {
  document.body.innerHTML = html;
  let found: KeyboardEvent | null = null;
  document.addEventListener('keydown', (event) => (found = event), { once: true });
  const event = new KeyboardEvent('keydown', { key: 's', bubbles: true, ...init });
  (document.querySelector('#here') ?? document.body).dispatchEvent(event);
  return found ?? event;
}

describe('a key press', () => {
  it('is the page’s own without Ctrl, Alt or Meta', () => {
    expect(isOwnPress(heard(''))).toBe(true);
    for (const held of [{ ctrlKey: true }, { altKey: true }, { metaKey: true }])
      expect(isOwnPress(heard('', held))).toBe(false);
  });

  it('is kept by fields, and Space by whatever it presses or scrolls', () => {
    const kept = (html: string) => [isInField(heard(html)), isOnControl(heard(html))];
    expect(kept('<textarea id="here"></textarea>')).toEqual([true, true]);
    expect(kept('<dialog><p id="here">x</p></dialog>')).toEqual([true, true]);
    expect(kept('<button><b id="here">x</b></button>')).toEqual([false, true]);
    expect(kept('<section tabindex="0" id="here"></section>')).toEqual([false, true]);
    expect(kept('<h2 tabindex="-1" id="here">x</h2>')).toEqual([false, false]);
    expect(kept('')).toEqual([false, false]);
  });
});
