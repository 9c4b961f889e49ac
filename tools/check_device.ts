// Command line: checks the graphics device as the page's button does. `npm run check-device` runs every kernel's
// self-check, the built-in model's greedy tokens against the goldens, and a short bench, and prints the report.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { acquireDevice } from '../src/gpu/device';
import { GpuError } from '../src/lib/errors';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../src/model/peft';
import { checkDevice } from '../src/services/device_check/device_check';
import { answerGoldens, GOLDENS } from '../src/services/device_check/golden_answers';
import { deviceReportText, deviceVerdict } from '../src/state/device_report';
import { closeDevice, log, readArguments, runCommand } from './command_line';
import { findModel } from './model_source';
import { createNodeGpu, repositoryRoot } from './node_gpu';
import { readPicture } from './node_image';

const USAGE = `usage: npm run check-device [-- --json]

  --json   the report as one JSON object

Ends with 1 when something is wrong.`;

await runCommand(USAGE, async (signal) => {
  const { json } = readArguments({ json: { type: 'boolean' } });
  const shipped = join(repositoryRoot(), 'public');
  const gpu = await acquireDevice({ gpu: createNodeGpu() });
  const source = {
    list: async (): Promise<unknown> => JSON.parse(await readFile(join(shipped, GOLDENS), 'utf8')),
    model: async (id: string) => (await findModel(id, signal)).files,
    adapter: async (id: string) => {
      const read = (file: string) => readFile(join(shipped, 'adapters', id, file));
      return { config: await read(ADAPTER_CONFIG), weights: await read(ADAPTER_WEIGHTS) };
    },
    picture: (name: string) => readPicture(join(shipped, GOLDENS, '..', name)),
  };
  let phase = '';
  try {
    const report = await checkDevice(
      gpu,
      {
        answers: (on, until, told) => answerGoldens(on, source, until, told),
        onProgress: (event) => {
          if (event.phase !== phase) log(`checking: ${event.phase}`);
          phase = event.phase;
        },
        now: () => performance.now(),
      },
      signal,
    );
    const text = json ? JSON.stringify(report) : deviceReportText(report, { node: process.version });
    process.stdout.write(`${text}\n`);
    if (deviceVerdict(report) === 'wrong') {
      throw new GpuError('gpu/kernel-wrong', 'This device computes something wrong: see above.');
    }
  } finally {
    await closeDevice(gpu, { destroy: () => undefined });
  }
});
