// Finds the packages that benches compare with, which are no dependencies of this project: in a folder that is named, or in a
// cache folder, into which npm installs them once.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { log, UsageError } from './command_line';
import { repositoryRoot } from './node_gpu';

/** A published package in one version. */
export interface PeerPackage {
  readonly name: string;
  readonly version: string;
  /** A file of its `dist` that must be there. */
  readonly entry: string;
}

/** ONNX Runtime for browsers, with its WebGPU backend. */
export const ONNX_RUNTIME: PeerPackage = {
  name: 'onnxruntime-web',
  version: '1.30.0',
  entry: 'ort.webgpu.bundle.min.mjs',
};

/** A port of JAX. */
export const JAX_JS: PeerPackage = { name: '@jax-js/jax', version: '0.1.25', entry: 'index.js' };

/**
 * The `dist` of a package.
 * @param given a folder with node_modules; without one, the cache
 * @throws UsageError where a given folder lacks the package; Error where npm cannot install it
 */
export function peerModules({ name, version, entry }: PeerPackage, given: string | undefined): string {
  const cache = join(repositoryRoot(), 'node_modules/.cache/look-back/peers');
  // A folder for each: npm removes what else lies in the folder into which it installs.
  const folder = given === undefined ? join(cache, name.replace('/', '_')) : resolve(given);
  const modules = join(folder, 'node_modules', name, 'dist');
  if (existsSync(join(modules, entry))) return modules;
  if (given !== undefined)
    throw new UsageError(`${folder} has no ${name}: npm install --prefix ${folder} ${name}`);
  log(`Installing ${name} ${version} to compare with, into a cache folder.`);
  mkdirSync(folder, { recursive: true });
  const options = ['--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
  const { status } = spawnSync('npm', ['install', ...options, `${name}@${version}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0)
    throw new Error(`npm could not install ${name}; name a folder that has it with --peers DIR.`);
  return modules;
}
