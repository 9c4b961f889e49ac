// `npm run soak -- families`: the journey of test/e2e/families.test.ts through every page, whole for every family of
// models; the gate takes it whole for one. It builds the page first, and exits with Playwright's code.

import { spawnSync } from 'node:child_process';

const root = process.env.LOOKBACK_ROOT ?? process.cwd();
const steps = [
  ['node_modules/vite/bin/vite.js', 'build'],
  ['node_modules/@playwright/test/cli.js', 'test', 'test/e2e/families.test.ts'],
];
for (const step of steps) {
  const env = { ...process.env, LOOKBACK_WHOLE_FAMILIES: 'yes' };
  const { status } = spawnSync(process.execPath, step, { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
