// Prints the brotli size of what the build in dist/ makes a visitor download, and fails where a budget is exceeded.
// Models and images are fetched when asked for and do not count. The initial JavaScript is the entry and everything
// that it imports statically.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { ROOT } from './install.mjs';

const KILOBYTE = 1000;
const DIST = join(ROOT, 'dist');
/** Largest brotli sizes in kB; a group without a budget is only reported. */
const BUDGETS = {
  'initial JavaScript': 60,
  'initial CSS': 12,
  worker: 150,
  'transformers.js': undefined,
  'other JavaScript': undefined,
};

function brotliBytes(file) {
  return brotliCompressSync(readFileSync(join(DIST, file))).length;
}

function initialFiles(manifest) {
  const scripts = new Set();
  const styles = new Set();
  const visit = (key) => {
    const chunk = manifest[key];
    if (scripts.has(chunk.file)) return;
    scripts.add(chunk.file);
    for (const file of chunk.css ?? []) styles.add(file);
    for (const next of chunk.imports ?? []) visit(next);
  };
  // The service worker is an entry, too, and comes after the page.
  visit('index.html');
  return { scripts, styles };
}

function groupOf(file, initial) {
  if (initial.scripts.has(file)) return 'initial JavaScript';
  if (initial.styles.has(file)) return 'initial CSS';
  if (!file.endsWith('.js')) return undefined;
  if (file.includes('transformers')) return 'transformers.js';
  return file.includes('worker') ? 'worker' : 'other JavaScript';
}

function main() {
  const manifestFile = join(DIST, '.vite/manifest.json');
  if (!existsSync(manifestFile)) {
    console.error('There is no build in dist/; run `npm run build` first.');
    return 1;
  }
  const initial = initialFiles(JSON.parse(readFileSync(manifestFile, 'utf8')));
  const totals = new Map(Object.keys(BUDGETS).map((group) => [group, 0]));
  for (const name of readdirSync(join(DIST, 'assets'))) {
    const group = groupOf(`assets/${name}`, initial);
    if (group) totals.set(group, totals.get(group) + brotliBytes(`assets/${name}`));
  }
  let exceeded = 0;
  console.log('Download size (brotli):');
  for (const [group, bytes] of totals) {
    const budget = BUDGETS[group];
    const over = budget !== undefined && bytes > budget * KILOBYTE;
    if (over) exceeded += 1;
    const size = `${(bytes / KILOBYTE).toFixed(1)} kB`.padStart(10);
    const limit = budget === undefined ? '' : ` of ${budget} kB`;
    console.log(`  ${group.padEnd(20)}${size}${limit}${over ? '  EXCEEDED' : ''}`);
  }
  return exceeded > 0 ? 1 : 0;
}

process.exitCode = main();
