// Runs a command line: `node tools/run.mjs NAME ARGS…` bundles tools/NAME.ts and runs it in Node over Dawn; `soak
// NAME` runs test/soak/NAME.ts the same way. The command sees the caller's folder, arguments, signals and exit code
// as if it had been started directly.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ensureBrowser, vulkanEnvironment } from './browser.mjs';
import { ensureInstalled, ROOT } from './install.mjs';

const CACHE = join(ROOT, 'node_modules/.cache/look-back');
const SOURCES = [
  'src',
  'shaders',
  'tools',
  'test/soak',
  'test/bench',
  'test/reference',
  'test/harness',
  'test/hub',
];

/** Names that may follow: for `tools` those that package.json has a script for, else every program of the folder. */
function programNames(folder) {
  if (!existsSync(join(ROOT, folder))) return [];
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const named = new Set(Object.values(scripts).map((script) => /tools\/run\.mjs (\w+)$/.exec(script)?.[1]));
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => name.slice(0, -3))
    .filter((name) => folder !== 'tools' || named.has(name));
}

function entryFor(folder, name) {
  const names = programNames(folder);
  if (name === '--help' || name === '-h') {
    console.log(
      `Say which program to run, then its options; --help after its name lists them.\nThere are: ${names.join(', ')}.`,
    );
    process.exit(0);
  }
  if (name && names.includes(name)) return `${folder}/${name}.ts`;
  console.error(name ? `There is no program "${name}".` : 'Say which program to run.');
  console.error(`There are: ${names.join(', ') || 'none yet'}.`);
  process.exit(2);
}

/** A name for the state of every file that a command may be built from: paths, sizes and times. */
function sourceKey() {
  const hash = createHash('sha256');
  const walk = (folder) => {
    for (const item of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
      const path = `${folder}/${item.name}`;
      if (item.isDirectory()) walk(path);
      else {
        const { size, mtimeMs } = statSync(join(ROOT, path));
        hash.update(`${path} ${size} ${mtimeMs}\n`);
      }
    }
  };
  for (const folder of SOURCES) if (existsSync(join(ROOT, folder))) walk(folder);
  hash.update(String(statSync(join(ROOT, 'package-lock.json')).mtimeMs));
  return hash.digest('hex').slice(0, 16);
}

/** Removes builds that nobody has used for a day. */
function prune() {
  if (!existsSync(CACHE)) return;
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name);
    if (Date.now() - statSync(path).mtimeMs > 86_400_000) rmSync(path, { recursive: true, force: true });
  }
}

async function bundle(entry) {
  const name = basename(entry, '.ts');
  const outDir = join(CACHE, `${entry.replaceAll('/', '_').slice(0, -3)}-${sourceKey()}`);
  const file = join(outDir, `${name}.mjs`);
  if (existsSync(file)) {
    const now = new Date();
    utimesSync(outDir, now, now);
    return file;
  }
  prune();
  // Built aside and moved into place whole: another process may start the same command meanwhile.
  const draft = `${outDir}.${process.pid}`;
  const { build } = await import('vite');
  const { ONNX_STUBS } = await import('./vite_shared.mjs');
  await build({
    root: ROOT,
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    resolve: { alias: ONNX_STUBS },
    build: {
      ssr: join(ROOT, entry),
      outDir: draft,
      emptyOutDir: false,
      minify: false,
      sourcemap: true,
      target: 'node20',
      // The extension makes Node read them as modules: no package.json says so where they lie.
      rollupOptions: { output: { entryFileNames: `${name}.mjs`, chunkFileNames: '[name]-[hash].mjs' } },
    },
  });
  try {
    renameSync(draft, outDir);
  } catch (error) {
    if (!existsSync(file)) throw error;
    rmSync(draft, { recursive: true, force: true });
  }
  return file;
}

/** Where there is neither a GPU nor a software driver, a browser's bundled SwiftShader is the way to get one. */
function adapterEnvironment() {
  const env = vulkanEnvironment();
  const given = process.env.VK_ICD_FILENAMES ?? process.env.VK_DRIVER_FILES ?? process.env.LOOKBACK_ADAPTER;
  if (process.platform !== 'linux' || given || env.VK_ICD_FILENAMES || env.LD_LIBRARY_PATH) return env;
  try {
    ensureBrowser();
  } catch (error) {
    console.error(error.message);
  }
  return vulkanEnvironment();
}

function run(file, args) {
  const env = {
    ...process.env,
    ...adapterEnvironment(),
    LOOKBACK_ROOT: ROOT,
  };
  const child = spawn(process.execPath, ['--enable-source-maps', file, ...args], {
    cwd: process.env.INIT_CWD ?? process.cwd(),
    env,
    stdio: 'inherit',
  });
  // A terminal sends Ctrl+C to both processes; the child decides when to end.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

ensureInstalled();
const [command, ...rest] = process.argv.slice(2);
if (command === 'soak') run(await bundle(entryFor('test/soak', rest[0])), rest.slice(1));
else run(await bundle(entryFor('tools', command)), rest);
