// Command line: writes a run as a job for another trainer. `npm run export-job -- RUN|CONFIG --to trl|easyr1 --out DIR`
// The job has questions with pictures, a configuration with the same hyper-parameters, for GRPO the rewards in Python, and
// a README with the commands. Needs no graphics device.

import { copyFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ArgumentError } from '../src/lib/errors';
import type { RunFile } from '../src/settings/run_file';
import { log, oneOf, readArgumentsWithWord, runCommand, UsageError } from './command_line';
import { easyR1Job } from './jobs/easyr1_job';
import { easyR1Model, JOB_TRAINERS, type JobModel, type JobTrainer, placeModel } from './jobs/job_model';
import { writeExamples, writeQuestions } from './jobs/job_questions';
import { jobReadme } from './jobs/job_readme';
import { type JobSettings, trlJob, trlSftJob } from './jobs/trl_job';
import { repositoryRoot } from './node_gpu';
import { readRunConfig } from './run_config';

const USAGE = `usage: npm run export-job -- RUN|CONFIG --to trl|easyr1 --out DIR

  RUN|CONFIG      a folder of "npm run train" or a run that the page exported, or its configuration
  --method M      sft | grpo (default: the run's own; grpo where it names none)
  --to TRAINER    ${JOB_TRAINERS.join(' | ')}; SFT goes to trl alone
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
function pythonFiles(to: JobTrainer, { method }: RunFile): readonly (readonly [string, string])[] {
  return [
    ...(method === 'grpo' ? ([['look_back_reward.py', 'look_back_reward.py']] as const) : []),
    ...(to === 'trl' ? ([['train_trl.py', 'train.py']] as const) : []),
  ];
}

/** Settings and data of the job; its pictures are written. */
async function writeData(
  run: RunFile,
  config: string,
  to: JobTrainer,
  model: JobModel,
  out: string,
  signal: AbortSignal,
): Promise<JobSettings & { readonly count: number }> {
  const lora = run.adapter === null ? run.lora : null;
  if (run.method === 'sft') {
    const examples = await writeExamples(run, config, model.prompts, out, signal);
    return { ...trlSftJob(run, examples, lora), count: examples.train.length };
  }
  const questions = await writeQuestions(run, config, model.prompts, out, signal);
  const job = to === 'trl' ? trlJob(run, questions, lora) : easyR1Job(run, questions, easyR1Model(model));
  return { ...job, count: questions.length };
}

async function exportJob(signal: AbortSignal): Promise<void> {
  const text = { type: 'string' } as const;
  const { word, values } = readArgumentsWithWord('RUN or CONFIG', { to: text, out: text, method: text });
  const to = oneOf('to', values.to ?? '', JOB_TRAINERS);
  const { out } = values;
  if (out === undefined) throw new UsageError('--out is missing.');
  const config = await configPath(word);
  const method =
    values.method === undefined ? null : oneOf('method', values.method, ['sft', 'grpo'] as const);
  const run = await readRunConfig(config, method);
  if (run.method === 'sft' && to === 'easyr1')
    throw new UsageError('EasyR1 trains by reinforcement alone: export an SFT run with --to trl.');
  if (run.lookTag !== 'back')
    throw new ArgumentError(
      `The run's lookTag is ${run.lookTag}; the rewards of a job read looks in <back> … </back> alone.`,
    );
  await makeFolder(out);
  const model = await placeModel(run, config, to, out);
  const { files, differences, count } = await writeData(run, config, to, model, out, signal);
  for (const [name, content] of Object.entries(files)) await writeFile(join(out, name), content);
  if (to === 'trl') await writeFile(join(out, 'model.txt'), `${model.path}\n`);
  for (const [from, name] of pythonFiles(to, run)) {
    await copyFile(join(repositoryRoot(), 'tools/python', from), join(out, name));
  }
  await writeFile(join(out, 'README.md'), jobReadme(run, to, { model, differences, questions: count }));
  for (const line of differences) log(`differs: ${line}`);
  log(`${count} questions for ${to} in ${out}; README.md there says how it is run`);
}

await runCommand(USAGE, exportJob);
