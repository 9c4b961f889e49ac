// Reads the configuration file of a run for the command lines that take one.

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { DataError } from '../src/lib/errors';
import { type RunFile, RunFileError, readRunFile } from '../src/settings/run_file';
import type { TrainingMethod } from '../src/settings/train_settings';
import { log } from './command_line';

/** No configuration comes near it. */
const MAX_CONFIG_BYTES = 1 << 20;

/** Text of a regular file. @throws DataError `data/config` where it cannot be read or is longer than any configuration */
async function readText(path: string): Promise<string> {
  const fail = (reason: string, cause?: unknown) =>
    new DataError('data/config', `${path}: ${reason}`, {}, cause);
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      throw fail(error.code === 'ENOENT' ? 'There is no such file.' : error.message, error);
    },
  );
  try {
    const found = await file.stat();
    if (!found.isFile()) throw fail('This is no file.');
    if (found.size > MAX_CONFIG_BYTES)
      throw fail(`This file has ${found.size} bytes; no configuration has more than ${MAX_CONFIG_BYTES}.`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** The method that a configuration names; GRPO where it names none. What else is wrong with it is said when it is read. */
function methodOf(text: string): TrainingMethod {
  try {
    return (JSON.parse(text) as { method?: unknown } | null)?.method === 'sft' ? 'sft' : 'grpo';
  } catch {
    return 'grpo';
  }
}

/**
 * Reads the configuration of a run; what has no effect on it is said on stderr.
 * @param method of the run; null for the one that the file names
 * @throws DataError `data/config` naming the file and every key that cannot be used
 */
export async function readRunConfig(config: string, method: TrainingMethod | null): Promise<RunFile> {
  try {
    const text = await readText(config);
    const { file, unused } = readRunFile(text, method ?? methodOf(text));
    if (unused.length > 0) log(`without effect on this run: ${unused.join(', ')}`);
    return file;
  } catch (error) {
    if (!(error instanceof RunFileError)) throw error;
    const message = error.problems.map((problem) => `${config}: ${problem.message}`).join('\n');
    throw new DataError('data/config', message, { key: error.problems[0]?.path });
  }
}
