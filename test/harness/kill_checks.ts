// Checks what must hold of what the product lists after a kill, and of what it said was done: lists and ledger in,
// sentences out. The same plan gives the same numbers, killed and resumed or not, so that steps and adapters of
// different runs are compared bit for bit.

import type { KillLedger, LedgerRecord } from './kill_ledger';
import type { Acknowledged, FoundAdapter, FoundLists, FoundRun } from './kill_messages';

/** What the first undisturbed run and adapter were; all later ones must be the same. */
export interface Repeatable {
  /** Loss and gradient norm by step of runs of the act `train`. */
  readonly steps: Map<number, string>;
  weights: string | null;
}

const idsOf = (records: readonly LedgerRecord[]): string[] =>
  records.map(({ key }) => (typeof key === 'object' ? String(key[0]) : String(key)));

function sameIds(what: string, listed: readonly string[], kept: readonly string[]): string[] {
  return [
    ...kept.filter((id) => !listed.includes(id)).map((id) => `${what} ${id} is kept and not listed`),
    ...listed.filter((id) => !kept.includes(id)).map((id) => `${what} ${id} is listed and not kept`),
  ];
}

/** Parts whose whole is gone. */
function orphans(ledger: KillLedger): string[] {
  const parts: readonly (readonly [part: string, whole: string])[] = [
    ['adapterWeights', 'adapters'],
    ['checkpoints', 'runs'],
    ['metrics', 'runs'],
    ['samples', 'runs'],
    ['groups', 'runs'],
    ['rows', 'datasets'],
  ];
  return parts.flatMap(([part, whole]) =>
    idsOf(ledger.all(part))
      .filter((id) => ledger.get(whole, id) === undefined)
      .map((id) => `${part} of ${id} are left without their ${whole}`),
  );
}

function checkRun(run: FoundRun, ledger: KillLedger, repeatable: Repeatable): string[] {
  const wrong: string[] = [];
  const name = `run "${run.name}"`;
  const checkpoint = ledger.get('checkpoints', run.id)?.facts.step ?? null;
  if (run.checkpointStep !== checkpoint) {
    wrong.push(`${name} says checkpoint ${run.checkpointStep}; it has ${checkpoint}`);
  }
  if (['preparing', 'running', 'pausing'].includes(run.state))
    wrong.push(`${name} is listed as ${run.state}`);
  if (run.state === 'paused' && run.checkpointStep === null)
    wrong.push(`${name} is paused without checkpoint`);
  const steps = run.metrics.map(({ step }) => step);
  const whole = Array.from({ length: run.step }, (_, at) => at + 1);
  if (steps.join() !== whole.join()) wrong.push(`${name} is at step ${run.step} with metrics of ${steps}`);
  if (!run.name.startsWith('train')) return wrong;
  // It saves every second step.
  const lost = run.step - (run.checkpointStep ?? 0);
  if (lost < 0 || lost > 2) wrong.push(`${name} has step ${run.step} but checkpoint ${run.checkpointStep}`);
  for (const { step, loss, gradNorm } of run.metrics) {
    const values = `loss ${loss}, gradient norm ${gradNorm}`;
    const first = repeatable.steps.get(step) ?? values;
    repeatable.steps.set(step, first);
    if (values !== first) wrong.push(`${name}, step ${step}: ${values}; it was ${first}`);
  }
  return wrong;
}

function checkAdapter(adapter: FoundAdapter, ledger: KillLedger, repeatable: Repeatable): string[] {
  const name = `adapter "${adapter.name}"`;
  if (adapter.broken !== undefined) return [`${name} cannot be read: ${adapter.broken}`];
  const wrong: string[] = [];
  const kept = ledger.get('adapterWeights', adapter.id)?.facts.weights;
  if (adapter.weights !== kept) wrong.push(`${name} exports other weights than were kept`);
  if (adapter.elements !== adapter.parameters) {
    wrong.push(`${name} says ${adapter.parameters} parameters; its tensors have ${adapter.elements}`);
  }
  const record = ledger.get('adapters', adapter.id);
  if (record?.facts.name !== adapter.name) wrong.push(`${name} was kept as "${record?.facts.name}"`);
  repeatable.weights ??= adapter.weights;
  if (adapter.weights !== repeatable.weights) wrong.push(`${name} differs from those of equal runs`);
  return wrong;
}

/** What is wrong with the lists after a start, in words. */
export function checkLists(lists: FoundLists, ledger: KillLedger, repeatable: Repeatable): string[] {
  const { runs, adapters, datasets } = lists;
  const ids = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id);
  return [
    ...sameIds('run', ids(runs), idsOf(ledger.all('runs'))),
    ...sameIds('adapter', ids(adapters), idsOf(ledger.all('adapters'))),
    // Unfinished imports are removed before the first list.
    ...sameIds('dataset', ids(datasets), idsOf(ledger.all('datasets'))),
    ...orphans(ledger),
    ...runs.flatMap((run) => checkRun(run, ledger, repeatable)),
    ...adapters.flatMap((adapter) => checkAdapter(adapter, ledger, repeatable)),
    ...adapters
      .filter(({ id }) => ledger.get('adapterWeights', id) === undefined)
      .map(({ name }) => `adapter "${name}" is listed without weights`),
    ...datasets.flatMap(({ id, rows }) => {
      const kept = idsOf(ledger.all('rows')).filter((owner) => owner === id).length;
      return kept === rows ? [] : [`dataset ${id} says ${rows} rows; it has ${kept}`];
    }),
  ];
}

/** What is wrong when the engine says that a command is done: it must be on disk by then. */
export function checkAcknowledged(fact: Acknowledged, ledger: KillLedger): string[] {
  const { what, id, step = 0, rows = 0, name } = fact;
  const holds: Readonly<Record<Acknowledged['what'], () => boolean>> = {
    run: () => ledger.get('runs', id) !== undefined,
    step: () => ledger.get('metrics', [id, step]) !== undefined,
    adapter: () => ledger.get('adapters', id) !== undefined && ledger.get('adapterWeights', id) !== undefined,
    renamed: () => ledger.get('adapters', id)?.facts.name === name,
    deletedAdapter: () => ledger.get('adapters', id) === undefined,
    deletedRun: () => ledger.get('runs', id) === undefined,
    deletedDataset: () => ledger.get('datasets', id) === undefined,
    dataset: () => ledger.get('datasets', id)?.facts.rows === rows,
  };
  return holds[what]() ? [] : [`"${what}" of ${id} was said to be done before it was on disk`];
}
