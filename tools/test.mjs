// `npm test`: installs what is missing (packages, a browser), runs every check and test, and prints as its last line
// `N passed, N failed`. Each check counts as one; tests count one by one. `-- --only node,gpu` runs some of the
// steps. A step that runs no test, crashes or hangs is a failure.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensureBrowser } from './browser.mjs';
import { ensureInstalled, ROOT } from './install.mjs';

const RESULTS = join(ROOT, 'node_modules/.cache/look-back-test');
const STEP_LIMIT_MS = 20 * 60_000;

const bin = {
  biome: 'node_modules/@biomejs/biome/bin/biome',
  tsc: 'node_modules/typescript/bin/tsc',
  knip: 'node_modules/knip/bin/knip.js',
  vite: 'node_modules/vite/bin/vite.js',
  vitest: 'node_modules/vitest/vitest.mjs',
  playwright: 'node_modules/@playwright/test/cli.js',
};

/** In the order in which they run: cheapest first. `tests` names what reads the counts; a check has none. */
const STEPS = [
  { name: 'lint', args: [bin.biome, 'check', '.'] },
  { name: 'types', args: [bin.tsc, '-b'] },
  { name: 'dead-code', args: [bin.knip] },
  { name: 'node', args: [bin.vitest, 'run', '--project', 'node'], tests: writtenCounts },
  { name: 'gpu', args: [bin.vitest, 'run', '--project', 'gpu'], tests: writtenCounts, browser: true },
  {
    name: 'parity',
    args: ['tools/run.mjs', 'parity', ...fixtureFolders(), '--quiet'],
    tests: writtenCounts,
  },
  { name: 'build', args: [bin.vite, 'build'] },
  { name: 'size', args: ['tools/size_report.mjs'] },
  {
    name: 'kills',
    args: ['tools/run.mjs', 'soak', 'kills', '--count', '8'],
    tests: writtenCounts,
    browser: true,
  },
  {
    name: 'e2e',
    args: [bin.playwright, 'test', '--reporter=line,json'],
    tests: playwrightCounts,
    browser: true,
  },
];

/** Every folder of test/fixtures that holds a manifest of golden tensors. */
function fixtureFolders() {
  const fixtures = join(ROOT, 'test/fixtures');
  return readdirSync(fixtures, { recursive: true })
    .filter((path) => path.endsWith('manifest.json'))
    .map((path) => join(fixtures, dirname(path)))
    .sort();
}

/** Counts as the step itself wrote them: Vitest by our reporter, parity and the soak. */
function writtenCounts(file) {
  const { passed, failed, skipped } = JSON.parse(readFileSync(file, 'utf8'));
  return { passed, failed, skipped };
}

function playwrightCounts(file) {
  const { stats, errors } = JSON.parse(readFileSync(file, 'utf8'));
  const failed = stats.unexpected + stats.flaky + errors.length;
  return { passed: stats.expected, failed, skipped: stats.skipped };
}

/** Runs one Node program; resolves to its exit code, or to 124 if it ran past the limit. */
function execute(args, env) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: 'inherit',
    });
    const timer = setTimeout(() => {
      console.log(`Stopped after ${STEP_LIMIT_MS / 60_000} minutes.`);
      child.kill('SIGKILL');
    }, STEP_LIMIT_MS);
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      resolve(signal === 'SIGKILL' ? 124 : (code ?? 1));
    });
    child.on('error', () => resolve(1));
  });
}

async function runStep(step) {
  const file = join(RESULTS, `${step.name}.json`);
  rmSync(file, { force: true });
  const env = {
    LOOKBACK_COUNTS: file,
    PLAYWRIGHT_JSON_OUTPUT_FILE: file,
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
  };
  const code = await execute(step.args, env);
  if (!step.tests) return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  const counts = existsSync(file) ? step.tests(file) : { passed: 0, failed: 0, skipped: 0 };
  if (counts.failed === 0 && (code !== 0 || counts.passed === 0)) {
    console.log(
      `${step.name}: ${code === 0 ? 'ran no test' : `ended with code ${code} without a failing test`}.`,
    );
    counts.failed = 1;
  }
  return counts;
}

function chosenSteps() {
  const at = process.argv.indexOf('--only');
  if (at < 0) return STEPS;
  const names = (process.argv[at + 1] ?? '').split(',');
  const unknown = names.filter((name) => !STEPS.some((step) => step.name === name));
  if (unknown.length > 0) {
    console.error(
      `No such step: ${unknown.join(', ')}. There are: ${STEPS.map((step) => step.name).join(', ')}.`,
    );
    process.exit(2);
  }
  return STEPS.filter((step) => names.includes(step.name));
}

async function main() {
  ensureInstalled();
  mkdirSync(RESULTS, { recursive: true });
  const total = { passed: 0, failed: 0, skipped: 0 };
  const lines = [];
  let browserError;
  try {
    ensureBrowser();
  } catch (error) {
    browserError = error.message;
  }
  for (const step of chosenSteps()) {
    console.log(`\n== ${step.name}`);
    const started = Date.now();
    let counts = { passed: 0, failed: 1, skipped: 0 };
    if (step.browser && browserError) console.log(browserError);
    else counts = await runStep(step);
    for (const key of Object.keys(total)) total[key] += counts[key];
    const seconds = `${((Date.now() - started) / 1000).toFixed(1)} s`.padStart(8);
    const skipped = counts.skipped ? `, ${counts.skipped} skipped` : '';
    lines.push(
      `${step.name.padEnd(10)}${seconds}  ${counts.passed} passed, ${counts.failed} failed${skipped}`,
    );
  }
  console.log(`\n${lines.join('\n')}`);
  if (total.skipped > 0) console.log(`${total.skipped} skipped in all: see the steps above for which.`);
  process.exitCode = total.failed > 0 ? 1 : 0;
  process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
}

await main();
