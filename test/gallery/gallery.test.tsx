// Every state of the gallery comes about, and axe finds nothing in it, as far as that can be told without a style sheet:
// names, roles, labels, order of headings, what belongs where. Colours are `npm run soak -- gallery`'s, which looks at every
// state in a browser.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { fetchErrorWords } from '../../src/ui/notice';
import { STATES, showState } from './gallery_shell';

/** Drawn on nothing, as there is no canvas here. */
const nothing: object = new Proxy({}, { get: () => () => ({ width: 1, data: [] }), set: () => true });

beforeAll(async () => {
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(nothing as never);
  vi.stubGlobal('Path2D', function path() {
    return nothing;
  });
  vi.stubGlobal('createImageBitmap', async () => ({ width: 96, height: 96, close: () => undefined }));
  vi.stubGlobal('fetch', async (path: string) => new Response(readFileSync(join('public', path))));
  // Nothing has a style here, and asking for it takes most of the time.
  const plain = { getPropertyValue: () => '', display: 'block', visibility: 'visible' };
  vi.stubGlobal('getComputedStyle', () => plain);
  await fetchErrorWords();
});

let leave = (): void => undefined;
afterEach(() => {
  leave();
  document.body.replaceChildren();
});

/** Rules that need a layout or the browser's own elements. */
const OFF = ['color-contrast', 'target-size', 'scrollable-region-focusable'];

async function findings(): Promise<string[]> {
  const rules = Object.fromEntries(OFF.map((id) => [id, { enabled: false }]));
  const { violations } = await axe.run(document.body, {
    resultTypes: ['violations'],
    rules,
    // There is nothing to load, and what is wrong is told by its HTML.
    preload: false,
    iframes: false,
    selectors: false,
  });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}

describe('the gallery', () => {
  it('would find what has no name', async () => {
    document.body.innerHTML = '<main><h1>x</h1><button></button></main>';
    expect(await findings()).toEqual(['button-name: <button></button>']);
  });

  it('names each state once', () => {
    const names = STATES.map(({ name }) => name);
    expect(names.length).toBeGreaterThan(60);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(STATES)('shows $name, in which axe finds nothing', async (state) => {
    const root = document.body.appendChild(document.createElement('div'));
    leave = await showState(state, root);
    expect(root.querySelector('main')?.dataset.page).toBe(state.page);
    expect(await findings()).toEqual([]);
  });
});
