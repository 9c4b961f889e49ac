// Declares what a state of the gallery is, and helps to make some: pictures, and presses of buttons.

import { encode } from 'fast-png';
import type { Library } from '../../src/state/library';
import type { Look, PageServices } from '../../src/state/look';
import type { Draw } from '../../src/ui/lazy_page';
import type { Route } from '../../src/ui/route';
import type { HandEngine } from '../state/engine_script';
import { settled } from '../state/train_script';

/** A part of the page that is fetched on a busy machine. */
const LIMIT_MS = 20_000;

/** One state of one page. */
export interface GalleryState {
  /** `page/what`, unique. */
  readonly name: string;
  readonly page: Route;
  make(): Promise<{
    readonly engine: HandEngine;
    readonly look: Look;
    readonly library: Library;
    /** What fills a page that is not Look. */
    readonly draw?: Draw;
    /** What happens once it is drawn. */
    readonly after?: () => Promise<void>;
  }>;
}

/** Decodes pictures as the page does. */
export const REAL_PICTURES: Partial<PageServices> = { decode: (blob) => createImageBitmap(blob) };

const SIDE = 96;
/** Squares of the picture: colour, left, top. */
const SQUARES = [
  [[200, 64, 47], 4, 4],
  [[47, 98, 200], 36, 36],
  [[200, 64, 47], 68, 4],
] as const;
const SQUARE = 24;

/** A picture of three squares on a grey sheet. */
export async function drawnPicture(): Promise<Blob> {
  const data = new Uint8Array(SIDE * SIDE * 3).fill(216);
  for (const [colour, left, top] of SQUARES) {
    for (let y = top; y < top + SQUARE; y++) {
      for (let x = left; x < left + SQUARE; x++) data.set(colour, (y * SIDE + x) * 3);
    }
  }
  const png = encode({ width: SIDE, height: SIDE, channels: 3, depth: 8, data });
  return new Blob([Uint8Array.from(png)], { type: 'image/png' });
}

/** Waits until an element is there; a state whose control is gone must not pass for it. */
export async function present(selector: string): Promise<HTMLElement> {
  const end = Date.now() + LIMIT_MS;
  for (;;) {
    const found = document.querySelector<HTMLElement>(selector);
    if (found !== null) return found;
    if (Date.now() > end) throw new Error(`This state has no ${selector}.`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** Presses what a selector finds, once it is there, and lets the page draw. */
export async function press(selector: string): Promise<void> {
  (await present(selector)).click();
  await settled();
}
