// Makes sure that the packages of package.json are installed, at exactly the versions it names, by asking npm. This
// is plain Node, because it runs when nothing is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the repository. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Exits with one sentence on a Node that is too old to run the tools. */
function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Look-Back needs Node 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

function missingPackages() {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const missing = [];
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    const file = join(ROOT, 'node_modules', name, 'package.json');
    const found = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined;
    // A `file:` dependency is a link into the repository, without a version to compare; `npm:NAME@VERSION` names another's.
    const wanted = version.startsWith('npm:') ? version.slice(version.lastIndexOf('@') + 1) : version;
    if (!found || (found !== wanted && !version.startsWith('file:'))) missing.push(name);
  }
  return missing;
}

/** Installs what is missing (`npm ci`); exits with a sentence if that fails. Everything it prints goes to stderr. */
export function ensureInstalled() {
  checkNode();
  const missing = missingPackages();
  if (missing.length === 0) return;
  console.error(`Installing ${missing.length} missing packages (npm ci).`);
  // npm tells its scripts where it lies; outside npm, the one on the PATH has to do.
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund'];
  const options = { cwd: ROOT, stdio: ['ignore', 2, 2] };
  const result = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (result.status !== 0 || missingPackages().length > 0) {
    console.error('npm could not install the packages; see its messages above, then try again.');
    process.exit(1);
  }
}
