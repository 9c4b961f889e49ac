// Writes the report of a device check as plain text: what was tried, what failed, what is switched off, how fast the
// device is. The page shows and copies it, and the command line prints it.

import { formatBytes } from '../lib/format';
import type { DeviceReport, GoldenAnswer } from '../worker/protocol/device_check';

/**
 * `right`: everything that was tried is right. `reduced`: right, with variants that are switched off or kernels that were
 * not reached. `wrong`: an answer differs or a kernel does not compile.
 */
export type DeviceVerdict = 'right' | 'reduced' | 'wrong';

/** Answers that are as they should be: two equally likely tokens are both right. */
export function rightAnswers(answers: readonly GoldenAnswer[]): number {
  return answers.filter(({ differs, tie }) => differs === null || tie).length;
}

/** What the check comes to. */
export function deviceVerdict({ kernels, answers }: DeviceReport): DeviceVerdict {
  if (kernels.broken.length > 0 || (answers !== null && rightAnswers(answers) < answers.length))
    return 'wrong';
  return kernels.disabled.length > 0 || kernels.left > 0 || answers === null ? 'reduced' : 'right';
}

/** One line per verdict. */
export const VERDICT_LINES: Readonly<Record<DeviceVerdict, string>> = {
  right: 'Everything that was tried is right: this device can be trusted.',
  reduced: 'What was tried is right or switched off; read below what was left out.',
  wrong: 'This device computes something wrong: do not trust its answers.',
};

function answerLine({ id, adapter, tokens, differs, tie }: GoldenAnswer): string {
  const what = `${id}${adapter ? ' with the adapter' : ''}: `;
  if (differs === null) return `${what}all ${tokens} tokens agree`;
  return `${what}token ${differs + 1} of ${tokens} differs${tie ? ', where two were equally likely' : ''}`;
}

const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** The report, one finding in a line. */
export function deviceReportText(report: DeviceReport, context: Readonly<Record<string, string>>): string {
  const { device, kernels, answers, answersLeftOut, speed, seconds } = report;
  const faults = (title: string, list: typeof kernels.disabled): string[] =>
    list.map(({ name, reason }) => `  ${title} ${name}: ${reason}`);
  return [
    `verdict: ${deviceVerdict(report)}`,
    `device: ${device.description} (${device.vendor} ${device.architecture})${device.software ? ', a software device' : ''}`,
    `features: ${device.shaderF16 ? 'shader-f16' : 'no shader-f16'}, ${device.subgroups ? 'subgroups' : 'no subgroups'}`,
    `limits: buffer ${formatBytes(device.maxBufferBytes)}, binding ${formatBytes(device.maxBindingBytes)}`,
    ...Object.entries(context).map(([key, value]) => `${key}: ${value}`),
    `kernels: ${kernels.compiled} compile, ${kernels.verified.length} compared and right, ${kernels.disabled.length} switched off, ${kernels.broken.length} do not compile, ${kernels.left} not reached`,
    ...faults('off', kernels.disabled),
    ...faults('broken', kernels.broken),
    answers === null
      ? `answers: left out: ${answersLeftOut}`
      : `answers: ${rightAnswers(answers)} of ${answers.length} as Hugging Face transformers gives them`,
    ...(answers ?? []).map((answer) => `  ${answerLine(answer)}`),
    `copy: ${figure(speed.copyGigabytes)} GB/s`,
    `multiply-adds: ${figure(speed.fmaGflops)} GFLOP/s`,
    ...speed.kernels.map(
      ({ name, gflops, gigabytes, bound, share }) =>
        `  ${name}: ${figure(gflops)} GFLOP/s, ${figure(gigabytes)} GB/s, ${(100 * share).toFixed(0)} % of what ${bound} allows`,
    ),
    `took: ${seconds.toFixed(1)} s`,
  ].join('\n');
}
