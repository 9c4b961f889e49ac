// `npm run soak -- gallery [FOLDER] [PATTERN]`: every state of the gallery under axe in light, in dark and in forced colours,
// where the gate knows no colours; with pictures of all of these and of a phone in FOLDER (gallery/ unless named). PATTERN
// chooses states by name. Canvases without words are held against test/gallery/snapshots; LOOKBACK_SNAPSHOTS=write keeps
// them anew. It builds the page first, and exits with Playwright's code.

import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';

const root = process.env.LOOKBACK_ROOT ?? process.cwd();
const [folder = 'gallery', pattern = ''] = process.argv.slice(2);
mkdirSync(resolve(folder), { recursive: true });
const steps = [
  ['node_modules/vite/bin/vite.js', 'build'],
  ['node_modules/@playwright/test/cli.js', 'test', 'test/e2e/gallery.test.ts', '--project=gallery'],
];
for (const step of steps) {
  const env = { ...process.env, LOOKBACK_GALLERY: resolve(folder), LOOKBACK_STATES: pattern };
  const { status } = spawnSync(process.execPath, step, { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
