// `npm run soak -- firefox`: the built page in Firefox, which has no WebGPU on Linux. It has to say so, with what can be
// done, and to play the recorded answer up to its look back, without an error of its own. FIREFOX_PATH names a binary;
// without it, Debian's firefox-esr is taken. `--built` takes the build that is there. Exits with 1 when something of this
// is not so.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { StaticHost } from '../e2e/static_host';
import { Firefox } from './firefox/bidi';

const root = process.env.LOOKBACK_ROOT ?? process.cwd();
const binary = process.env.FIREFOX_PATH ?? 'firefox-esr';
const found = spawnSync(binary, ['--version'], { encoding: 'utf8' });
if (found.status !== 0) {
  console.error(`${binary} does not start: install firefox-esr, or name a Firefox by FIREFOX_PATH.`);
  process.exit(1);
}
console.log(found.stdout.trim());
const isBuilt = process.argv.includes('--built');
const built = isBuilt
  ? { status: 0, stderr: '' }
  : spawnSync(process.execPath, ['node_modules/vite/bin/vite.js', 'build'], { cwd: root });
if (built.status !== 0) {
  console.error(String(built.stderr));
  process.exit(1);
}

const text = (selector: string) => `document.querySelector('${selector}')?.textContent ?? ''`;

async function journey(firefox: Firefox, address: string): Promise<void> {
  await firefox.open(address);
  await firefox.until(`document.querySelector('.notice')`);
  const code = await firefox.value(`document.querySelector('.notice').dataset.code`);
  const offers = await firefox.value(`'gpu' in navigator`);
  const expected = offers ? 'gpu/no-adapter' : 'gpu/unavailable';
  if (code !== expected) throw new Error(`The page says ${code}, where it should say ${expected}.`);
  await firefox.until(`${text('.notice')}.includes('Firefox')`);
  console.log(`the reason: ${code}`);
  await firefox.until(`document.querySelector('[data-testid="replay-bar"]')`);
  await firefox.until(`document.querySelectorAll('.token').length > 5`);
  const shown = 'document.querySelectorAll(".token").length';
  const before = Number(await firefox.value(shown));
  await firefox.until(`${shown} > ${before}`);
  // Read at reading speed, the recording takes some ten seconds.
  await firefox.until(`/looked back/.test(${text('[data-testid="headline"]')})`, 120_000);
  await firefox.until(`document.querySelector('[data-testid="replay-bar"]').dataset.running === 'false'`);
  console.log(
    `played ${await firefox.value(shown)} tokens: ${await firefox.value(text('[data-testid="headline"]'))}`,
  );
  for (const page of ['train', 'data', 'models', 'library']) {
    await firefox.value(`void (location.hash = '#/${page}')`);
    await firefox.until(`document.querySelector('[data-page="${page}"] .panel')`);
  }
  console.log('every page opens');
}

const host = new StaticHost(join(root, 'dist'));
await host.start();
let failed = false;
const firefox = await Firefox.start(binary);
try {
  await journey(firefox, host.address);
} catch (error) {
  failed = true;
  console.error(error instanceof Error ? error.message : error);
} finally {
  await firefox.close();
  await host.stop();
  host.remove();
}
process.exit(failed ? 1 : 0);
