// `npm test`: installs what is missing (packages, a browser), runs every check and test, and prints as its last line
// `N passed, N failed`. Each check counts as one; tests count one by one. `-- --only node,gpu` runs some of the
// steps. A step that runs no test, crashes or hangs is a failure. Steps of different lanes run at the same time; what
// they print goes into a file each and is shown whole when the step ends.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
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

/**
 * The lanes that run side by side, one round after another: two for two cores, as each step is mostly one thread, also
 * where that compiles shaders for a software GPU. Both take about as long. The journeys have the machine to themselves,
 * as they wait with time limits.
 */
const ROUNDS = [['checks', 'graphics'], ['journeys']];

/** The steps of a lane run in this order: cheapest first. `tests` names what reads the counts; a check has none. */
const STEPS = [
  { name: 'lint', lane: 'checks', args: [bin.biome, 'check', '.'] },
  { name: 'types', lane: 'checks', args: [bin.tsc, '-b'] },
  { name: 'dead-code', lane: 'checks', args: [bin.knip] },
  { name: 'build', lane: 'checks', args: [bin.vite, 'build'] },
  { name: 'size', lane: 'checks', args: ['tools/size_report.mjs'] },
  {
    name: 'node',
    lane: 'checks',
    args: [bin.vitest, 'run', '--project', 'node', '--project', 'components'],
    tests: writtenCounts,
  },
  {
    name: 'parity',
    lane: 'checks',
    args: ['tools/run.mjs', 'parity', ...fixtureFolders(), '--quiet'],
    tests: writtenCounts,
  },
  ...['int4', 'int8'].map((weights) => ({
    name: `parity-${weights}`,
    lane: 'checks',
    args: [
      ...['tools/run.mjs', 'parity', ...fixtureFolders('model.safetensors'), '--quiet'],
      ...['--weights', weights, '--stages', 'vision,text,attention,logits,lora,qlora'],
    ],
    tests: writtenCounts,
  })),
  {
    name: 'gpu',
    lane: 'graphics',
    args: [bin.vitest, 'run', '--project', 'gpu'],
    tests: writtenCounts,
    browser: true,
  },
  {
    name: 'kills',
    lane: 'checks',
    args: ['tools/run.mjs', 'soak', 'kills', '--count', '4'],
    tests: writtenCounts,
    browser: true,
  },
  {
    name: 'hub',
    lane: 'checks',
    args: ['tools/run.mjs', 'soak', 'hub', '--count', '8', '--gigabytes', '0.3'],
    tests: writtenCounts,
    browser: true,
  },
  {
    // Pages that get no graphics device: they wait for none, and do not disturb the other lane.
    name: 'e2e-plain',
    lane: 'checks',
    args: [bin.playwright, 'test', '--project', 'no-webgpu', '--reporter=line,json'],
    tests: playwrightCounts,
    browser: true,
  },
  {
    name: 'e2e',
    lane: 'journeys',
    args: [bin.playwright, 'test', '--project', 'chromium', '--reporter=line,json'],
    tests: playwrightCounts,
    browser: true,
  },
];

/** Every folder of test/fixtures that holds a manifest of golden tensors, and the file that is named beside it. */
function fixtureFolders(beside = 'manifest.json') {
  const fixtures = join(ROOT, 'test/fixtures');
  return readdirSync(fixtures, { recursive: true })
    .filter((path) => path.endsWith('manifest.json'))
    .map((path) => join(fixtures, dirname(path)))
    .filter((folder) => existsSync(join(folder, beside)))
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
function execute(args, env, output) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', output, output],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), STEP_LIMIT_MS);
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      resolve(signal === 'SIGKILL' ? 124 : (code ?? 1));
    });
    child.on('error', () => resolve(1));
  });
}

/** What the step's own counts and its exit code come to, with a reason where these alone do not say it. */
function judge(step, code, file) {
  if (code === 124) console.log(`${step.name}: stopped after ${STEP_LIMIT_MS / 60_000} minutes.`);
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

/** Runs a step; `beside` says that others run meanwhile, so that its output is kept until it ends. */
async function runStep(step, beside) {
  const file = join(RESULTS, `${step.name}.json`);
  const log = join(RESULTS, `${step.name}.log`);
  rmSync(file, { force: true });
  const env = {
    LOOKBACK_COUNTS: file,
    PLAYWRIGHT_JSON_OUTPUT_FILE: file,
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
  };
  if (!beside) {
    console.log(`\n== ${step.name}`);
    return judge(step, await execute(step.args, env, 'inherit'), file);
  }
  console.log(`.. ${step.name} begins, its output so far: ${relative(ROOT, log)}`);
  const output = openSync(log, 'w');
  const code = await execute(step.args, env, output).finally(() => closeSync(output));
  console.log(`\n== ${step.name}\n${readFileSync(log, 'utf8').trimEnd()}`);
  return judge(step, code, file);
}

/** Runs steps one after another and adds to each what came of it. */
async function runLane(steps, beside, browserError) {
  for (const step of steps) {
    const started = Date.now();
    if (step.browser && browserError) {
      console.log(`\n== ${step.name}\n${browserError}`);
      step.counts = { passed: 0, failed: 1, skipped: 0 };
    } else step.counts = await runStep(step, beside);
    step.seconds = (Date.now() - started) / 1000;
    if (step.counts.failed > 0) console.log(`!! ${step.name}: ${step.counts.failed} FAILED`);
  }
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

function report(steps) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  console.log();
  for (const { name, counts, seconds } of steps) {
    for (const key of Object.keys(total)) total[key] += counts[key];
    const time = `${seconds.toFixed(1)} s`.padStart(8);
    const skipped = counts.skipped ? `, ${counts.skipped} skipped` : '';
    console.log(`${name.padEnd(10)}${time}  ${counts.passed} passed, ${counts.failed} failed${skipped}`);
  }
  if (total.skipped > 0) console.log(`${total.skipped} skipped in all: see the steps above for which.`);
  process.exitCode = total.failed > 0 ? 1 : 0;
  process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
}

async function main() {
  ensureInstalled();
  mkdirSync(RESULTS, { recursive: true });
  let browserError;
  try {
    ensureBrowser();
  } catch (error) {
    browserError = error.message;
  }
  const steps = chosenSteps();
  for (const round of ROUNDS) {
    const lanes = round
      .map((lane) => steps.filter((step) => step.lane === lane))
      .filter((lane) => lane.length > 0);
    await Promise.all(lanes.map((lane) => runLane(lane, lanes.length > 1, browserError)));
  }
  report(steps);
}

await main();
