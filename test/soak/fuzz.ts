// `npm run soak -- fuzz [--seed S] [--count N]`: hostile files and cut texts, many more than the gate runs.
// A failure prints the seed and the smallest input that shows it.

import { parseArgs } from 'node:util';
import fc from 'fast-check';
import {
  importSurvivesMutation,
  importsRowByRow,
  parquetSurvivesMutation,
  readsAnyText,
  splitsAgree,
  survivesMutation,
} from '../harness/fuzz_properties';

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, count: { type: 'string', default: '20000' } },
});
const settings = { seed: Number(values.seed), numRuns: Number(values.count) };
if (!Number.isInteger(settings.seed) || !Number.isInteger(settings.numRuns) || settings.numRuns < 1) {
  process.stderr.write('usage: npm run soak -- fuzz [--seed S] [--count N]\n');
  process.exit(2);
}
await fc.assert(survivesMutation(), settings);
process.stdout.write(`safetensors: ${settings.numRuns} mutated files refused or read whole\n`);
fc.assert(splitsAgree(), settings);
process.stdout.write(`segments: ${settings.numRuns} cut texts parsed like the whole\n`);
await fc.assert(importSurvivesMutation(), settings);
await fc.assert(await parquetSurvivesMutation(), settings);
await fc.assert(readsAnyText(), settings);
process.stdout.write(`data sets: ${settings.numRuns} damaged zips refused or read\n`);
await fc.assert(importsRowByRow(), settings);
process.stdout.write(`data sets: ${settings.numRuns} tables read or listed line by line\n`);
