// Plays one life of the browser: reads back what lies on disk, lets the engine list it, then plays the act that it is
// given, until it is killed. The disk is read before the engine starts, so that nothing is mended before it is seen.

import { parseSafetensors } from '../../../src/model/safetensors';
import { unpackAdapter } from '../../../src/storage/adapter_archive';
import { createEngineClient, type EngineClient } from '../../../src/worker/client';
import type { AdapterSummary } from '../../../src/worker/protocol/library';
import type { EngineEvent } from '../../../src/worker/protocol/messages';
import type { RunSummary } from '../../../src/worker/protocol/training';
import type {
  Acknowledged,
  FoundAdapter,
  FoundLists,
  FoundRecord,
  FoundRun,
  LifeOrder,
} from '../../harness/kill_messages';
import { ACTS, prepare } from './acts';
import { factsOf, hashOf, markedKey } from './record_hash';

const DATABASE = 'look-back';

async function post<T>(path: string, body: unknown): Promise<T> {
  const answer = await fetch(path, { method: 'POST', body: JSON.stringify(body) });
  return (await answer.json()) as T;
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Why a record's files cannot be read; undefined when they can. */
async function damage(value: unknown): Promise<string | undefined> {
  if (value instanceof Blob) {
    const length = await value.arrayBuffer().then(
      (bytes) => bytes.byteLength,
      (error: unknown) => String(error),
    );
    return length === value.size ? undefined : `a file of ${value.size} bytes gives ${length}`;
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return undefined;
  for (const item of Object.values(value)) {
    const why = await damage(item);
    if (why !== undefined) return why;
  }
  return undefined;
}

async function readStore(db: IDBDatabase, store: string): Promise<FoundRecord[]> {
  const objects = db.transaction(store).objectStore(store);
  const keys = await settled(objects.getAllKeys());
  const found: FoundRecord[] = [];
  for (const key of keys) {
    // One by one: a record that cannot be read must not hide the others.
    const request = db.transaction(store).objectStore(store).get(key);
    const marked = markedKey(key);
    try {
      const value = (await settled(request)) as Record<string, unknown>;
      const broken = await damage(value);
      const record = { store, key: marked, hash: hashOf(value), facts: factsOf(value) };
      found.push(broken === undefined ? record : { ...record, broken });
    } catch (error) {
      found.push({ store, key: marked, hash: '', facts: {}, broken: String(error) });
    }
  }
  return found;
}

/** Every record on disk; none before the engine has made the database. */
async function readDisk(): Promise<FoundRecord[]> {
  const known = await indexedDB.databases();
  if (!known.some(({ name }) => name === DATABASE)) return [];
  const db = await settled(indexedDB.open(DATABASE));
  try {
    const found: FoundRecord[] = [];
    for (const store of db.objectStoreNames) found.push(...(await readStore(db, store)));
    return found;
  } finally {
    db.close();
  }
}

async function foundRun(client: EngineClient, summary: RunSummary): Promise<FoundRun> {
  const { id, state, step, checkpointStep, createdAt, plan } = summary;
  const { metrics } = await client.readRun(id);
  const steps = metrics.map(({ step: at, values }) => ({
    step: at,
    loss: values.loss ?? null,
    gradNorm: values.grad_norm ?? null,
  }));
  const datasetId = plan.source.kind === 'dataset' ? plan.source.datasetId : null;
  return { id, datasetId, name: plan.name, state, step, checkpointStep, createdAt, metrics: steps };
}

async function foundAdapter(client: EngineClient, summary: AdapterSummary): Promise<FoundAdapter> {
  const { id, name, parameters, createdAt } = summary;
  const adapter = { id, name, parameters, createdAt };
  try {
    const { config, weights } = await unpackAdapter(await client.exportAdapter(id), name);
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(config));
    const { tensors } = await parseSafetensors(name, weights);
    let elements = 0;
    for (const { shape } of tensors.values()) elements += shape.reduce((count, size) => count * size, 1);
    return { ...adapter, weights: hashOf(weights), elements };
  } catch (error) {
    const broken = error instanceof Error ? error.message : JSON.stringify(error);
    return { ...adapter, weights: '', elements: 0, broken };
  }
}

async function readLists(client: EngineClient): Promise<FoundLists> {
  const runs: FoundRun[] = [];
  for (const summary of await client.listRuns()) runs.push(await foundRun(client, summary));
  const adapters: FoundAdapter[] = [];
  for (const summary of await client.listAdapters()) {
    if (!summary.bundled) adapters.push(await foundAdapter(client, summary));
  }
  const datasets = (await client.listDatasets()).map(({ id, rows, createdAt }) => ({ id, rows, createdAt }));
  return { runs, adapters, datasets };
}

async function live(): Promise<void> {
  await post('/found', await readDisk());
  const events: EngineEvent[] = [];
  const acknowledge = (fact: Acknowledged) => post('/acknowledged', fact);
  const client = createEngineClient(
    () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'engine' }),
  );
  client.listen((batch) => {
    events.push(...batch);
    for (const event of batch) {
      if (event.type !== 'trainingStepped') continue;
      void acknowledge({ what: 'step', id: event.runId, step: event.metrics.step });
    }
  });
  await client.start();
  const { act, discard } = await post<LifeOrder>('/lists', await readLists(client));
  for (const id of discard.runs) await client.deleteRun(id);
  for (const id of discard.adapters) await client.deleteAdapter(id);
  for (const id of discard.datasets) await client.deleteDataset(id);
  if (act === null) return void (await post('/done', {}));
  const around = { client, events, acknowledge };
  const ready = await prepare(around, act);
  await post('/begin', {});
  await ACTS[act.name](around, ready);
  await post('/done', {});
}

live().catch((error: unknown) => {
  const message = error instanceof Error ? `${error.message}\n${error.stack}` : JSON.stringify(error);
  return post('/failed', { message });
});
