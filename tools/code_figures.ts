// Prints figures of the code itself: `npm run figures`. With `--all` it lists every finding, else the first ten of each.

import {
  duplicateRuns,
  grammarReaders,
  longFiles,
  longFunctions,
  MAX_FUNCTION_LINES,
  productFiles,
  settingPlaces,
  undescribedExports,
} from '../test/harness/code_figures';
import { listFiles } from '../test/harness/source_files';

/** Longest file, and shortest run of equal lines that counts as repeated. */
const MOST_FILE_LINES = 400;
const REPEATED_LINES = 10;

const product = productFiles();
const code = [...product, ...listFiles(['tools'], ['.ts'])];
const shaders = listFiles(['shaders'], ['.wgsl']);
const shown = process.argv.includes('--all') ? Number.POSITIVE_INFINITY : 10;

function print(title: string, findings: readonly string[]): void {
  console.log(`${title}: ${findings.length}`);
  for (const finding of findings.slice(0, shown)) console.log(`  ${finding}`);
  if (findings.length > shown) console.log(`  … ${findings.length - shown} more`);
}

print(
  `functions over ${MAX_FUNCTION_LINES} lines`,
  longFunctions(code, MAX_FUNCTION_LINES).map(
    ({ path, line, name, lines }) => `${lines} ${name} ${path}:${line}`,
  ),
);
print(
  `files over ${MOST_FILE_LINES} lines`,
  longFiles([...code, ...shaders], MOST_FILE_LINES).map(({ path, lines }) => `${lines} ${path}`),
);
print(
  `runs of at least ${REPEATED_LINES} equal lines in src and shaders`,
  [...duplicateRuns(product, REPEATED_LINES), ...duplicateRuns(shaders, REPEATED_LINES)].map(
    ({ lines, places }) => `${lines} ${places.join(' = ')}`,
  ),
);
print('exported names without docstring', undescribedExports(product));
const outside = product.filter((path) => !path.startsWith('src/answer/'));
print('readers of the tag grammar outside src/answer', grammarReaders(outside));
const others = product.filter((path) => !path.startsWith('src/settings/'));
print('places outside src/settings that give values to settings', settingPlaces(others));
