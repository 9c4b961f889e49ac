// Holds what the command lines share: arguments, whole-number options, errors as sentences, exit codes. Logs go to
// stderr, so that stdout holds results alone. Exit code 0 is success, 1 a failure with its reason on stderr, 2 a
// wrong call with the usage on stderr.

import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { GpuContext } from '../src/gpu/device';
import { LookBackError } from '../src/lib/errors';
import { faultOf, mustBe, parseNumber, type Setting, type ValueOf } from '../src/settings/setting';

/** A call that cannot be understood; ends the command with its usage and exit code 2. */
export class UsageError extends Error {}

type Options = NonNullable<ParseArgsConfig['options']>;

/** Reads the process's arguments strictly. @throws UsageError for unknown options or stray words */
export function readArguments<T extends Options>(options: T) {
  try {
    return parseArgs({ options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Reads arguments of which exactly one is a word by itself.
 * @throws UsageError also when there is none or more than one, naming what it should be
 */
export function readArgumentsWithWord<T extends Options>(name: string, options: T) {
  let read: ReturnType<typeof parseArgs<{ options: T; strict: true; allowPositionals: true }>>;
  try {
    read = parseArgs({ options, strict: true, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const [word, ...more] = read.positionals;
  if (word === undefined || word === '') throw new UsageError(`${name} is missing.`);
  if (more.length > 0) throw new UsageError(`One ${name} is taken, not ${more.length + 1}.`);
  return { word, values: read.values };
}

/** A whole number of at least `least`, or `fallback` when the option is absent. @throws UsageError */
export function wholeNumber(name: string, text: string | undefined, least: number, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`--${name} must be a whole number from ${least}, not "${text}".`);
}

/** The value of a setting that is given as an option; its default when the option is absent. @throws UsageError */
export function settingOption<S extends Setting>(
  name: string,
  setting: S,
  text: string | undefined,
): ValueOf<S> {
  if (text === undefined) return setting.default as ValueOf<S>;
  const value = setting.kind === 'number' ? (parseNumber(text) ?? Number.NaN) : text;
  if (faultOf(setting, value) === null) return value as ValueOf<S>;
  throw new UsageError(`--${name} must be ${mustBe(setting)}, not "${text}".`);
}

/** One of a list of words. @throws UsageError */
export function oneOf<T extends string>(name: string, text: string, words: readonly T[]): T {
  const found = words.find((word) => word === text);
  if (found === undefined)
    throw new UsageError(`--${name} must be one of ${words.join(', ')}, not "${text}".`);
  return found;
}

/**
 * Ends work on a device before the process exits: Dawn crashes when it is torn down with reads in flight.
 * Safe on a lost device.
 */
export async function closeDevice(gpu: GpuContext, owner: { destroy(): void }): Promise<void> {
  await gpu.fence().catch(() => undefined);
  owner.destroy();
  gpu.destroy();
  // Callbacks of the reads that were cut off run on the next turns of the event loop.
  await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Writes a line to stderr. */
export function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

/**
 * Runs a command to its end and ends the process with its exit code. Device and driver threads do not hold it up.
 * Ctrl+C aborts the signal once; a second one ends the process.
 */
export async function runCommand(
  usage: string,
  command: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) {
    await new Promise<void>((resolve) => process.stdout.write(`${usage}\n`, () => resolve()));
    process.exit(0);
  }
  const controller = new AbortController();
  process.once('SIGINT', () => {
    process.once('SIGINT', () => process.exit(130));
    controller.abort();
  });
  let code = 0;
  try {
    await command(controller.signal);
  } catch (error) {
    code = report(error, usage);
  }
  // Output that is still on its way to a pipe would be cut off by exit.
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  process.exit(code);
}

function report(error: unknown, usage: string): number {
  if (error instanceof UsageError) {
    log(`${error.message}\n\n${usage}`);
    return 2;
  }
  if (error instanceof LookBackError) log(`error (${error.code}): ${error.message}`);
  else log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return 1;
}
