// Words of the check of the device.

import type { CheckProgress } from '../../state/device_check';
import type { DeviceReport } from '../../worker/protocol/device_check';

const PHASES: Readonly<Record<CheckProgress['phase'], string>> = {
  kernels: 'kernels compiled and compared',
  answers: 'questions asked whose answers are known',
  speed: 'measurements of speed',
};

/** Words. */
export const CHECK_COPY = {
  title: 'This device',
  about:
    'Runs the self-check of every kernel, asks the built-in model questions whose tokens are known, and measures how fast the device is beside what it could be. It takes about a minute, and nothing leaves this device.',
  start: 'Check this device',
  again: 'Check again',
  progress: ({ phase, done, total }: CheckProgress): string =>
    total === 0 ? 'Beginning…' : `${done} of ${total} ${PHASES[phase]}`,
  overtaken: 'A question or another model came first; check again when there is time.',
  kernels: ({ compiled, verified, left }: DeviceReport['kernels']): string =>
    `${compiled} kernels compile; ${verified.length} were compared with a reference and are right.${left === 0 ? '' : ` There was no time for ${left} more.`}`,
  disabled: 'Switched off, as they gave wrong results; others take their place:',
  broken: 'Do not compile:',
  answers: (right: number, all: number): string =>
    `${right} of ${all} answers are those of Hugging Face transformers, token by token.`,
  answersLeftOut: (reason: string | null): string => `The questions were left out: ${reason ?? ''}`,
  yardsticks: (copy: string, fma: string): string =>
    `The device copies ${copy} GB and does ${fma} billion operations in a second. A kernel is held against the one that bounds it.`,
  speedTitle: 'How near the hottest kernels come',
  columns: ['Kernel', 'Billion operations/s', 'GB/s', 'Share', 'Bound by'],
  copy: 'Copy the report',
  copied: 'Copied',
  report: 'The whole report',
} as const;
