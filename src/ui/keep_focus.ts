// Gives the focus a new place when the element that has it is removed from the page: what took its place, the neighbouring
// item of its list, or the heading of its part. The browser would give it to the body, from where the next press of Tab
// begins at the top of the page. A control that is disabled while it works, which loses the focus too, gets it back
// afterwards.

const FOCUSABLE =
  'a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), summary, [tabindex="0"]';
const HEADING = 'h1, h2, h3, h4, h5';

function focusableIn(node: Node | null | undefined): HTMLElement | null {
  if (!(node instanceof HTMLElement) || !node.isConnected) return null;
  return node.matches(FOCUSABLE) ? node : node.querySelector<HTMLElement>(FOCUSABLE);
}

/** The heading of the nearest part of the page around `place` that has one; it takes the focus from then on. */
function headingAround(place: Node): HTMLElement | null {
  for (let part = place instanceof Element ? place : place.parentElement; part; part = part.parentElement) {
    const heading = part.querySelector<HTMLElement>(HEADING);
    if (heading !== null) {
      heading.tabIndex = -1;
      return heading;
    }
  }
  return null;
}

/** Whether two nodes are items of one kind, as the rows of a list are. */
function alike(node: Node | null, removed: Node): node is HTMLElement {
  const row = removed.nodeName === 'LI' || removed.nodeName === 'TR';
  return row && node instanceof HTMLElement && node.tagName === removed.nodeName;
}

/** Where the focus goes after `removed`, in which it was, went from its place in `record`. */
function successor(
  record: MutationRecord,
  removed: Node,
  records: readonly MutationRecord[],
): HTMLElement | null {
  const { target, nextSibling, previousSibling } = record;
  for (const sibling of [nextSibling, previousSibling]) {
    const own = alike(sibling, removed) ? focusableIn(sibling) : null;
    if (own !== null) return own;
  }
  const replacements = records.filter((one) => one.target === target).flatMap((one) => [...one.addedNodes]);
  for (const added of replacements) {
    const own = focusableIn(added);
    if (own !== null) return own;
  }
  return headingAround(target);
}

const isDisabled = (element: Element) => element.hasAttribute('disabled');

/** Gives the focus back to the control that lost it by being disabled, once it can be used again; returns how to stop. */
function returnFocus(root: HTMLElement): () => void {
  let held: HTMLElement | null = null;
  let waiting: HTMLElement | null = null;
  const onFocus = (event: FocusEvent): void => {
    held = event.target instanceof HTMLElement ? event.target : null;
    waiting = null;
  };
  // Whoever presses beside everything wants no focus.
  const forget = (): void => {
    held = null;
    waiting = null;
  };
  const observer = new MutationObserver((records) => {
    for (const { target } of records) {
      if (!(target instanceof HTMLElement)) continue;
      if (target === held && isDisabled(target)) waiting = target;
      if (target !== waiting || isDisabled(target)) continue;
      waiting = null;
      const { activeElement } = document;
      if (activeElement === null || activeElement === document.body) target.focus();
    }
  });
  root.addEventListener('focusin', onFocus);
  root.addEventListener('pointerdown', forget);
  observer.observe(root, { attributes: true, attributeFilter: ['disabled'], subtree: true });
  return () => {
    observer.disconnect();
    root.removeEventListener('focusin', onFocus);
    root.removeEventListener('pointerdown', forget);
  };
}

/** Watches a part of the page that is never removed itself; returns how to stop. */
export function keepFocus(root: HTMLElement): () => void {
  let last: Element | null = null;
  const onFocus = (event: FocusEvent): void => {
    last = event.target instanceof Element ? event.target : null;
  };
  const onBlur = (event: FocusEvent): void => {
    const left = event.target;
    // Someone who presses beside everything wants no focus; an element that goes leaves the page before this runs.
    queueMicrotask(() => {
      if (last === left && left instanceof Element && left.isConnected) last = null;
    });
  };
  const observer = new MutationObserver((records) => {
    if (last === null || last.isConnected || document.activeElement !== document.body) return;
    const lost = last;
    last = null;
    for (const record of records) {
      const removed = [...record.removedNodes].find((node) => node.contains(lost));
      if (removed === undefined || !record.target.isConnected) continue;
      successor(record, removed, records)?.focus();
      return;
    }
  });
  root.addEventListener('focusin', onFocus);
  root.addEventListener('focusout', onBlur);
  observer.observe(root, { childList: true, subtree: true });
  const stopReturning = returnFocus(root);
  return () => {
    observer.disconnect();
    stopReturning();
    root.removeEventListener('focusin', onFocus);
    root.removeEventListener('focusout', onBlur);
  };
}
