// `npm run soak -- kills [--seed S] [--count N]`: kills the browser's process group in the middle of training and
// saving, N times (200 without), restarts it on the same profile and looks at what is left. The gate runs 4. It
// prints one line of JSON, and exits with 1 when anything was lost, half-written, or said to be done too early.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBrowser } from '../../tools/browser.mjs';
import { KillCampaign } from './kills/kill_campaign';
import { buildPage, servePage } from './soak_page';

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, count: { type: 'string', default: '200' } },
});
const [seed, count] = [Number(values.seed), Number(values.count)];
if (!Number.isInteger(seed) || !Number.isInteger(count) || count < 1) {
  process.stderr.write('usage: npm run soak -- kills [--seed S] [--count N]\n');
  process.exit(2);
}

const root = process.env.LOOKBACK_ROOT ?? process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'look-back-kills-'));
const page = join(folder, 'page');

await buildPage(root, 'test/soak/kills/page.html', page);
const campaign = new KillCampaign({
  ...{ seed, count, executable: ensureBrowser(), profile: join(folder, 'profile') },
  say: (line) => process.stderr.write(`${line}\n`),
});
const server = await servePage([page, join(root, 'public')], (path, body) => campaign.heard(path, body));
const interrupted = (): void => {
  campaign.abandon();
  process.exit(130);
};
process.on('SIGINT', interrupted);
process.on('SIGTERM', interrupted);
const summary = await campaign.run(`${server.origin}/test/soak/kills/page.html`);
server.close();
process.stdout.write(`${JSON.stringify(summary)}\n`);
const failed = summary.violations.length;
const { LOOKBACK_COUNTS: counts } = process.env;
if (counts) {
  const { kills, sound, lostByBrowser } = summary;
  const unsound = Math.max(kills - sound - lostByBrowser, failed > 0 ? 1 : 0);
  writeFileSync(counts, JSON.stringify({ passed: kills - unsound, failed: unsound, skipped: 0 }));
}
if (failed === 0) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
else process.stderr.write(`The profile is left in ${folder}.\n`);
process.exit(failed === 0 ? 0 : 1);
