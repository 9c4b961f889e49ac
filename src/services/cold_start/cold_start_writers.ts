// Says who writes the looks of a cold start where that is not the model that answered: an adapter of it, or another model
// with the weights that it had before.

import { ArgumentError, DataError } from '../../lib/errors';
import type { ColdStartSettings } from '../../settings/cold_start_settings';
import type { ColdStartPlan, ModelStage } from '../../worker/protocol/cold_start';
import type { DatasetOrigin } from '../../worker/protocol/library';
import type { EngineModel, Loaded } from '../answers/engine';

/** Whether a stage asks another model than the one that answered. */
export function asksOther(stage: ModelStage, { insert }: ColdStartPlan): boolean {
  return stage === 'self' && insert === 'model';
}

/**
 * The adapter that a stage is asked with; null for the model alone.
 * @throws ArgumentError where one is to write and none is chosen
 */
export function writingAdapter(stage: ModelStage, { insert, writer }: ColdStartPlan): string | null {
  if (stage !== 'self' || insert !== 'adapter') return null;
  if (writer !== undefined) return writer.id;
  throw new ArgumentError('No adapter is chosen to write the looks: choose one first.', { key: 'writer' });
}

/**
 * The loaded model, which has to be the other one that is chosen to write looks, with the weights that it had before.
 * @throws ArgumentError where none is chosen; DataError `data/cold-start` where it is not that one
 */
export async function otherModel<M extends EngineModel>(
  { writerModel, writerFingerprints }: ColdStartPlan,
  loaded: Loaded<M> | undefined,
  fingerprintOf: (loaded: Loaded<M>) => Promise<string>,
): Promise<Loaded<M>> {
  if (writerModel === undefined)
    throw new ArgumentError('No model is chosen to write the looks: choose one first.', {
      key: 'writerModel',
    });
  const modelId = writerModel.id;
  const refuse = (message: string): DataError => new DataError('data/cold-start', message, { modelId });
  if (loaded?.entry.id !== modelId)
    throw refuse(`The model "${modelId}" is to write the looks: load it first.`);
  const known = writerFingerprints?.[modelId];
  if (known !== undefined && known !== (await fingerprintOf(loaded)))
    throw refuse(
      `Looks of the model "${modelId}" are here that other weights of it wrote: let another writer write, or begin anew.`,
    );
  return loaded;
}

/** A plan that knows whose weights write looks from here on. */
export function withFingerprint(plan: ColdStartPlan, modelId: string, fingerprint: string): ColdStartPlan {
  return { ...plan, writerFingerprints: { ...plan.writerFingerprints, [modelId]: fingerprint } };
}

/** The settings of a plan, without what it names: where its problems are from and who writes. */
export function settingsOf({
  source: _s,
  writer: _a,
  writerModel: _m,
  writerFingerprints: _f,
  ...settings
}: ColdStartPlan): ColdStartSettings {
  return settings;
}

/** The settings that go with a saved set, and who wrote its looks where that is an adapter or another model. */
export function originSettings(plan: ColdStartPlan): DatasetOrigin['settings'] {
  const { insert, writer, writerModel, writerFingerprints } = plan;
  const settings = settingsOf(plan);
  if (insert === 'adapter') return { ...settings, writer: writer?.name ?? null };
  if (insert !== 'model') return { ...settings };
  const id = writerModel?.id ?? '';
  return { ...settings, writer: id, writerFingerprint: writerFingerprints?.[id] ?? null };
}
