// Holds the canvases of a gallery state against pictures that are kept in test/gallery/snapshots: one for each thing that a
// canvas without words shows, and index.json, which says what the canvases of each state show.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { decode } from 'fast-png';

const FOLDER = 'test/gallery/snapshots';
const INDEX = join(FOLDER, 'index.json');
/** Steps of 255 that smoothing of edges and of enlarged pictures may differ by from one release of a browser to the next. */
const MOST_STEPS = 2;

/** File names by state, in the order of its canvases. */
type Index = Record<string, string[]>;

function readIndex(): Index {
  return existsSync(INDEX) ? (JSON.parse(readFileSync(INDEX, 'utf8')) as Index) : {};
}

/** Every canvas that draws no words, as PNG. */
export async function drawnCanvases(page: Page): Promise<Buffer[]> {
  const urls = await page.evaluate(() =>
    [...document.querySelectorAll('canvas')]
      .filter((canvas) => canvas.closest('.uplot') === null && canvas.width * canvas.height > 0)
      .map((canvas) => canvas.toDataURL('image/png')),
  );
  return urls.map((url) => Buffer.from(url.slice(url.indexOf(',') + 1), 'base64'));
}

/** Keeps what the states' canvases show, instead of all that was kept of these states. */
export function keepSnapshots(drawn: ReadonlyMap<string, readonly Buffer[]>): void {
  mkdirSync(FOLDER, { recursive: true });
  const index = readIndex();
  for (const [state, pictures] of drawn) {
    const names = pictures.map((png) => {
      const name = `${createHash('sha256').update(png).digest('hex').slice(0, 12)}.png`;
      writeFileSync(join(FOLDER, name), png);
      return name;
    });
    if (names.length > 0) index[state] = names;
    else delete index[state];
  }
  writeFileSync(INDEX, `${JSON.stringify(index, null, 2)}\n`);
}

/** The largest difference of a value of two pictures; infinite where their sizes differ. */
function largestDifference(one: Buffer, other: Buffer): number {
  const [a, b] = [decode(one), decode(other)];
  if (a.width !== b.width || a.height !== b.height || a.channels !== b.channels)
    return Number.POSITIVE_INFINITY;
  let most = 0;
  for (const [at, value] of a.data.entries()) most = Math.max(most, Math.abs(value - (b.data[at] ?? 0)));
  return most;
}

/** What the states' canvases show otherwise than the pictures that are kept, a line each. */
export function differencesFromSnapshots(drawn: ReadonlyMap<string, readonly Buffer[]>): string[] {
  const index = readIndex();
  return [...drawn].flatMap(([state, pictures]) => {
    const names = index[state] ?? [];
    if (names.length !== pictures.length)
      return [`${state}: ${pictures.length} canvases, ${names.length} are kept`];
    return pictures.flatMap((png, at) => {
      const file = join(FOLDER, names[at] ?? '');
      const steps = largestDifference(png, readFileSync(file));
      return steps <= MOST_STEPS ? [] : [`${state}: canvas ${at} differs by ${steps} of 255 from ${file}`];
    });
  });
}
