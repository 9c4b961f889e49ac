// Writes the list of a build's files, each with the SHA-256 of its bytes, above the build's service worker.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The service worker's file in a build. */
export const SERVICE_WORKER = 'service_worker.js';
const LIST = /^const PRECACHE=.*\n/;

/** Files that a visitor's page never asks for. */
function isAside(path) {
  return path === SERVICE_WORKER || path.startsWith('.');
}

/** Lists the files of the build in `folder` in its service worker, in place of an earlier list. */
export function writePrecache(folder) {
  const files = readdirSync(folder, { recursive: true })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !isAside(path) && statSync(join(folder, path)).isFile())
    .sort()
    .map((path) => [
      path,
      createHash('sha256')
        .update(readFileSync(join(folder, path)))
        .digest('hex'),
    ]);
  const script = join(folder, SERVICE_WORKER);
  const code = readFileSync(script, 'utf8').replace(LIST, '');
  writeFileSync(script, `const PRECACHE=${JSON.stringify(files)};\n${code}`);
}

/** Does so when a build is written that has a service worker; builds of other pages have none. */
export function precache() {
  let folder = '';
  return {
    name: 'precache',
    apply: 'build',
    configResolved(config) {
      folder = config.build.outDir;
    },
    closeBundle: {
      order: 'post',
      handler() {
        if (existsSync(join(folder, SERVICE_WORKER))) writePrecache(folder);
      },
    },
  };
}
