// Finds the Chromium that tests run in, and the software Vulkan driver that lies beside it. Only `ensureBrowser` may
// fetch a browser, and only `npm test` calls it. This is plain Node without dependencies, because it runs before
// anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, platform } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

const NAMES = ['google-chrome-stable', 'google-chrome', 'chromium', 'chromium-browser', 'chrome'];

/** Flags that give headless Chromium WebGPU (software where there is no GPU) and keep it off the network. */
export const BROWSER_ARGS = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  // A busy machine may take long to compile a shader in software; that is no hang.
  '--disable-gpu-watchdog',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--disable-sync',
  '--no-default-browser-check',
  '--no-first-run',
  '--no-pings',
  '--disable-dev-shm-usage',
];

function isFile(path) {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function installedBrowser() {
  const places = [];
  const suffix = platform() === 'win32' ? '.exe' : '';
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of NAMES) places.push(join(folder, name + suffix));
  }
  places.sort((a, b) => rank(a) - rank(b));
  if (platform() === 'darwin') {
    for (const root of ['/Applications', join(homedir(), 'Applications')]) {
      places.push(join(root, 'Google Chrome.app/Contents/MacOS/Google Chrome'));
      places.push(join(root, 'Chromium.app/Contents/MacOS/Chromium'));
    }
  }
  if (platform() === 'win32') {
    for (const root of [
      process.env.PROGRAMFILES,
      process.env['PROGRAMFILES(X86)'],
      process.env.LOCALAPPDATA,
    ]) {
      if (root) places.push(join(root, 'Google/Chrome/Application/chrome.exe'));
    }
  }
  if (platform() === 'linux') places.push('/opt/google/chrome/chrome', '/snap/bin/chromium');
  return places.find(isFile);
}

function rank(path) {
  const index = NAMES.findIndex((name) => path.endsWith(name));
  return index < 0 ? NAMES.length : index;
}

function playwrightBrowser() {
  try {
    const require = createRequire(import.meta.url);
    const path = require('@playwright/test').chromium.executablePath();
    return path && isFile(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Path of a Chrome or Chromium, or undefined: `CHROME_PATH`, then an installed one, then Playwright's own.
 * A `CHROME_PATH` that is not a file is an error, never silently passed over.
 */
export function findBrowser() {
  const named = process.env.CHROME_PATH;
  if (named) {
    if (!isFile(named)) throw new Error(`CHROME_PATH is set to ${named}, which is not a file.`);
    return named;
  }
  return installedBrowser() ?? playwrightBrowser();
}

/** Finds a browser or fetches one: Playwright's download, then Debian's package (as root). Throws one clear sentence. */
export function ensureBrowser(log = console.error) {
  const found = findBrowser();
  if (found) return found;
  log('No Chrome or Chromium found; fetching the one that Playwright offers (up to two minutes).');
  const require = createRequire(import.meta.url);
  const cli = join(dirname(require.resolve('@playwright/test/package.json')), 'cli.js');
  spawnSync(process.execPath, [cli, 'install', 'chromium'], { stdio: ['ignore', 2, 2], timeout: 120_000 });
  const fetched = playwrightBrowser();
  if (fetched) return fetched;
  if (platform() === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    log('That did not work; installing the chromium package with apt-get.');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const apt = (...args) => spawnSync('apt-get', args, { stdio: ['ignore', 2, 2], env, timeout: 600_000 });
    apt('update', '-q');
    apt('install', '-q', '-y', '--no-install-recommends', 'chromium');
    const installed = installedBrowser();
    if (installed) return installed;
  }
  throw new Error(
    'The tests need Chrome or Chromium, and none was found or could be fetched: ' +
      'install one, or set CHROME_PATH to its executable, and run `npm test` again.',
  );
}

/** Folders in which a Chromium keeps its bundled SwiftShader driver and Vulkan loader. */
function driverFolders() {
  const folders = [];
  let browser;
  try {
    browser = findBrowser();
  } catch {
    browser = undefined;
  }
  if (browser) folders.push(dirname(realpathSync(browser)), dirname(browser));
  folders.push('/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome');
  return [...new Set(folders)];
}

function icdFiles() {
  const files = [];
  for (const folder of ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d']) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder)) if (name.endsWith('.json')) files.push(join(folder, name));
  }
  return files;
}

function hasHardware() {
  if (existsSync('/dev/nvidiactl')) return true;
  return existsSync('/dev/dri') && readdirSync('/dev/dri').some((name) => name.startsWith('renderD'));
}

function swiftShader() {
  for (const folder of driverFolders()) {
    const icd = join(folder, 'vk_swiftshader_icd.json');
    if (isFile(icd)) return icd;
  }
  return undefined;
}

function vulkanLoader() {
  return driverFolders().find((folder) => isFile(join(folder, 'libvulkan.so.1')));
}

/**
 * Environment variables that give Dawn in Node a Vulkan adapter: none outside Linux, and none where the user has set
 * them. `LOOKBACK_ADAPTER` is `hardware`, `swiftshader` or `lavapipe`; unset means hardware where there is some.
 */
export function vulkanEnvironment(choice = process.env.LOOKBACK_ADAPTER) {
  const env = {};
  if (platform() !== 'linux') return env;
  if (!process.env.VK_ICD_FILENAMES && !process.env.VK_DRIVER_FILES) {
    const wanted = choice ?? (hasHardware() ? 'hardware' : 'swiftshader');
    if (!['hardware', 'swiftshader', 'lavapipe'].includes(wanted)) {
      throw new Error(`LOOKBACK_ADAPTER is "${wanted}"; it must be hardware, swiftshader or lavapipe.`);
    }
    let icd;
    if (wanted === 'swiftshader') icd = swiftShader();
    if (wanted === 'lavapipe') icd = icdFiles().find((file) => file.includes('lvp_icd'));
    if (wanted !== 'hardware' && !icd && choice)
      throw new Error(`No Vulkan driver for LOOKBACK_ADAPTER=${wanted}.`);
    if (icd) env.VK_ICD_FILENAMES = icd;
  }
  const loader = vulkanLoader();
  if (loader) {
    const given = process.env.LD_LIBRARY_PATH;
    // Appended, so that a system's own Vulkan loader and the user's folders come first.
    env.LD_LIBRARY_PATH = given ? `${given}${delimiter}${loader}` : loader;
  }
  return env;
}
