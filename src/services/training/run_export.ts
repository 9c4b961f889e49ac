// Packs a run as a zip: its metrics, groups and notes, and its configuration with seeds, device and base as the command line takes it.

import { zipSync } from 'fflate';
import { writeRunFile } from '../../settings/run_file';
import { completePlan } from '../../settings/train_plan';
import { type LoggedStep, metricsCsv, metricsJsonl } from '../../train/training_log';
import type { StepGroups, TrainingPlan } from '../../worker/protocol/training';
import type { CheckpointBase } from '../answers/checkpoint_base';

/** What of a run is packed. */
export interface ExportedRun {
  readonly plan: TrainingPlan;
  readonly step: number;
  /** What a person wrote about it; '' for nothing. */
  readonly notes: string;
  readonly metrics: readonly LoggedStep[];
  /** What the last checkpoint was made on; null before the first. */
  readonly base: Pick<CheckpointBase, 'device' | 'profile' | 'fingerprint'> | null;
  /** {@link groupLines} of every step; '' for a run without groups. */
  readonly groups: string;
}

/** A JSON line for each completion of a step, without the picture: step, question, rewards, advantage and text. */
export function groupLines(found: StepGroups | null): string {
  const lines = (found?.groups ?? []).flatMap(({ question, expected, dropped, completions }, group) =>
    completions.map((completion) =>
      JSON.stringify({ step: found?.step, group, question, expected, dropped, ...completion }),
    ),
  );
  return lines.map((line) => `${line}\n`).join('');
}

/** The configuration of a run. A dataset and an adapter are named by their ids: the page keeps them, not the file. */
export function runConfiguration({ plan, step, base }: Pick<ExportedRun, 'plan' | 'step' | 'base'>): string {
  const { modelId, adapterId, evalDatasetId, source, ...settings } = completePlan(plan);
  const made = base && { device: base.device, kernelProfile: base.profile, baseSha256: base.fingerprint };
  const kept = source.kind === 'dataset' || adapterId !== null || evalDatasetId !== null;
  const note =
    'source.file, evalFile and adapter name what the page keeps: export it there, and set the paths.';
  return writeRunFile(
    {
      ...settings,
      model: modelId,
      adapter: adapterId,
      evalFile: evalDatasetId,
      source: source.kind === 'dataset' ? { kind: source.kind, file: source.datasetId } : source,
    },
    { step, ...made, ...(kept ? { note } : {}) },
  );
}

/** A zip with `run.json`, `metrics.jsonl`, `metrics.csv` and, where there are some, `notes.txt` and `groups.jsonl`. */
export function runArchive(run: ExportedRun): Blob {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const zip = zipSync({
    'run.json': bytes(runConfiguration(run)),
    'metrics.jsonl': bytes(metricsJsonl(run.metrics)),
    'metrics.csv': bytes(metricsCsv(run.metrics)),
    ...(run.notes === '' ? {} : { 'notes.txt': bytes(run.notes) }),
    ...(run.groups === '' ? {} : { 'groups.jsonl': bytes(run.groups) }),
  });
  return new Blob([zip as Uint8Array<ArrayBuffer>], { type: 'application/zip' });
}
