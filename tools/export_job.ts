// Command line: writes a GRPO run as a job for another trainer. `npm run export-job -- RUN|CONFIG --to trl|easyr1 --out DIR`
// The job has questions with pictures, a configuration with the same hyper-parameters, the rewards in Python, and a
// README with the commands. Needs no graphics device.

import { copyFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ArgumentError } from '../src/lib/errors';
import { log, oneOf, readArgumentsWithWord, runCommand, UsageError } from './command_line';
import { easyR1Job } from './jobs/easyr1_job';
import { easyR1Model, JOB_TRAINERS, type JobTrainer, placeModel } from './jobs/job_model';
import { writeQuestions } from './jobs/job_questions';
import { jobReadme } from './jobs/job_readme';
import { trlJob } from './jobs/trl_job';
import { repositoryRoot } from './node_gpu';
import { readRunConfig } from './run_config';

const USAGE = `usage: npm run export-job -- RUN|CONFIG --to trl|easyr1 --out DIR

  RUN|CONFIG      a folder of "npm run train" or a run that the page exported, or its configuration; GRPO runs
  --to TRAINER    ${JOB_TRAINERS.join(' | ')}
  --out DIR       a new folder, or an empty one`;

/** The configuration's path: a folder's run.json, or the file itself. */
async function configPath(word: string): Promise<string> {
  const isFolder = (await stat(word).catch(() => null))?.isDirectory() === true;
  return isFolder ? join(word, 'run.json') : word;
}

async function makeFolder(out: string): Promise<void> {
  await mkdir(out, { recursive: true });
  if ((await readdir(out)).length > 0)
    throw new ArgumentError(`--out ${out} is not empty: choose another folder.`);
}

/** Python files of the job by the names that they get. */
const PYTHON: Readonly<Record<JobTrainer, readonly (readonly [string, string])[]>> = {
  trl: [
    ['look_back_reward.py', 'look_back_reward.py'],
    ['train_trl.py', 'train.py'],
  ],
  easyr1: [['look_back_reward.py', 'look_back_reward.py']],
};

async function exportJob(signal: AbortSignal): Promise<void> {
  const text = { type: 'string' } as const;
  const { word, values } = readArgumentsWithWord('RUN or CONFIG', { to: text, out: text });
  const to = oneOf('to', values.to ?? '', JOB_TRAINERS);
  const { out } = values;
  if (out === undefined) throw new UsageError('--out is missing.');
  const config = await configPath(word);
  const run = await readRunConfig(config, 'grpo');
  await makeFolder(out);
  const model = await placeModel(run, config, to, out);
  const questions = await writeQuestions(run, config, model.prompts, out, signal);
  const lora = run.adapter === null ? run.lora : null;
  const { files, differences } =
    to === 'trl' ? trlJob(run, questions, lora) : easyR1Job(run, questions, easyR1Model(model));
  for (const [name, content] of Object.entries(files)) await writeFile(join(out, name), content);
  if (to === 'trl') await writeFile(join(out, 'model.txt'), `${model.path}\n`);
  for (const [from, name] of PYTHON[to]) {
    await copyFile(join(repositoryRoot(), 'tools/python', from), join(out, name));
  }
  await writeFile(
    join(out, 'README.md'),
    jobReadme(run, to, { model, differences, questions: questions.length }),
  );
  for (const line of differences) log(`differs: ${line}`);
  log(`${questions.length} questions for ${to} in ${out}; README.md there says how it is run`);
}

await runCommand(USAGE, exportJob);
