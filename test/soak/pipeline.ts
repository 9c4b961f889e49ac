// `npm run soak -- pipeline`: the whole pipeline of the method from the page (test/e2e/cold_start.test.ts): a cold start, SFT on
// it, GRPO from there, and an evaluation against the base, with a reload at every stage; on the built-in world and on an imported
// set. The gate takes it as far as SFT. It builds the page first, and exits with Playwright's code.

import { spawnSync } from 'node:child_process';

const root = process.env.LOOKBACK_ROOT ?? process.cwd();
const steps = [
  ['node_modules/vite/bin/vite.js', 'build'],
  ['node_modules/@playwright/test/cli.js', 'test', 'test/e2e/cold_start.test.ts'],
];
for (const step of steps) {
  const env = { ...process.env, LOOKBACK_WHOLE_PIPELINE: 'yes' };
  const { status } = spawnSync(process.execPath, step, { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
