// Says which key presses are for the page, and which belong to what has the focus.

/** Elements that keep every key for themselves. */
const FIELDS = 'input, textarea, select, [contenteditable], dialog, [role="slider"]';
/** Elements that Space presses, opens or scrolls. */
const PRESSED = 'button, summary, a[href], [tabindex="0"]';

const within = (event: KeyboardEvent, selector: string) =>
  event.target instanceof Element && event.target.closest(selector) !== null;

/** True for a press that nobody has taken, without Ctrl, Alt or Meta, and outside the writing of a character. */
export function isOwnPress(event: KeyboardEvent): boolean {
  return !(event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing);
}

/** True where the element that has the focus keeps every key for itself. */
export function isInField(event: KeyboardEvent): boolean {
  return within(event, FIELDS);
}

/** True where Space belongs to the element that has the focus. */
export function isOnControl(event: KeyboardEvent): boolean {
  return within(event, `${FIELDS}, ${PRESSED}`);
}
