// `npm run parity -- DIR… [--stages LIST] [--only GLOB] [--weights PRECISION] …` compares the engine with golden tensors.
// It takes any folder with a manifest. Every selected tensor that is not an input is computed and compared, or listed as
// skipped; a skipped one is a failure. `npm test` runs it on every fixture folder of the repository.

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { acquireDevice, type GpuContext } from '../src/gpu/device';
import { WEIGHT_PRECISIONS, type WeightPrecision } from '../src/model/weight_layout';
import { log, oneOf, runCommand, UsageError } from './command_line';
import { createNodeGpu } from './node_gpu';
import { adapterRows } from './parity_stages/adapter';
import type { ComputedRow, Wanted } from './parity_stages/computed_row';
import { cpuRows } from './parity_stages/cpu';
import { type Comparison, compare, type FixtureDir, openFixtureDir } from './parity_stages/fixture_dir';
import { modelRows, variantRows } from './parity_stages/model';
import { opsRows, samplingRows } from './parity_stages/ops';
import { QLORA_STAGE } from './parity_stages/qlora';
import { quantisedRows } from './parity_stages/quantised';
import { trainRows } from './parity_stages/train';

/** One line of the report; the schema of `--json`. */
export interface ParityRow {
  readonly model: string;
  readonly stage: string;
  readonly tensor: string;
  readonly error: number | null;
  readonly tolerance: number | null;
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly reason?: string;
}

const USAGE = `usage: npm run parity -- DIR… [--stages LIST] [--only GLOB] [--weights PRECISION] [--quiet]
                             [--json]
  DIR       a folder with a manifest.json, as those of test/fixtures
  --stages  comma-separated: processor, vision, position, text, attention, logits, decode, generate, lookback, lora,
            adamw, grpo, qlora (with --weights int4 or int8), adapter, ops, sampling, preprocess, tokenizer
            (default: all)
  --only    tensors whose name matches, * and ? as wildcards, alternatives separated by commas
  --weights int4, int8, bf16 or f32: runs the models on weights in this precision, and compares with their dequantised
            values as the manifest says, with the goldens within what the rounding explains
  --quiet   lists only what did not pass
  --json    the report as one JSON object on stdout`;

function globMatcher(globs: string | undefined): (name: string) => boolean {
  if (globs === undefined) return () => true;
  const patterns = globs.split(',').map((glob) => {
    const escaped = glob
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    return new RegExp(`^${escaped}$`);
  });
  return (name) => patterns.some((pattern) => pattern.test(name));
}

function judge(
  model: string,
  row: ComputedRow,
  golden: Awaited<ReturnType<FixtureDir['read']>> | string,
  dir: FixtureDir,
): ParityRow {
  const base = { model, stage: row.stage, tensor: row.label ?? row.tensor };
  if (typeof golden === 'string' || typeof row.actual === 'string') {
    const ok = golden === row.actual;
    return {
      ...base,
      error: ok ? 0 : null,
      tolerance: 0,
      status: ok ? 'passed' : 'failed',
      ...(ok ? {} : { reason: 'texts differ' }),
    };
  }
  const tol = row.golden === undefined ? (dir.find(row.file, row.tensor)?.tol ?? 'exact') : 'exact';
  return { ...base, ...judged(compare(row.actual, golden, tol)) };
}

function judged(result: Comparison): Omit<ParityRow, 'model' | 'stage' | 'tensor'> {
  return {
    error: Number.isFinite(result.error) ? result.error : null,
    tolerance: result.tolerance,
    status: result.ok ? 'passed' : 'failed',
    ...(result.reason ? { reason: result.reason } : {}),
  };
}

/** Compares one folder's model with its weights in another precision; what does not read weights has no row. */
async function checkQuantised(
  gpu: GpuContext,
  dir: FixtureDir,
  wanted: Wanted,
  precision: WeightPrecision,
): Promise<ParityRow[]> {
  const rows: ParityRow[] = [];
  for await (const { row, tensor, result } of quantisedRows(gpu, dir, wanted, precision))
    rows.push({ model: `${dir.name} ${precision}`, stage: row.stage, tensor, ...judged(result) });
  return rows;
}

async function* computeRows(
  gpu: () => Promise<GpuContext>,
  dir: FixtureDir,
  wanted: Wanted,
): AsyncGenerator<ComputedRow> {
  yield* cpuRows(dir, wanted);
  const has = (stage: string): boolean =>
    dir.toCompare().some((spec) => spec.stage === stage && wanted(stage, spec.name));
  if (has('ops')) yield* opsRows(await gpu(), dir, wanted);
  if (has('sampling')) yield* samplingRows(await gpu(), dir, wanted);
  if (dir.has('config.json')) {
    yield* modelRows(await gpu(), dir, wanted);
    yield* variantRows(await gpu(), dir, wanted);
  }
  if (dir.has('adapter/adapter_config.json')) yield* trainRows(await gpu(), dir, wanted);
  if (has('adapter')) yield* adapterRows(await gpu(), dir, wanted);
}

/** Compares one folder; rows in the order of computation, then what nothing computed. */
async function checkFolder(
  gpu: () => Promise<GpuContext>,
  dir: FixtureDir,
  wanted: Wanted,
): Promise<ParityRow[]> {
  const rows: ParityRow[] = [];
  const covered = new Set<string>();
  try {
    for await (const row of computeRows(gpu, dir, wanted)) {
      const golden = row.golden ?? (await dir.read({ file: row.file, name: row.tensor }));
      rows.push(judge(dir.name, row, golden, dir));
      covered.add(`${row.file}\n${row.tensor}`);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    rows.push({
      model: dir.name,
      stage: 'engine',
      tensor: '(run)',
      error: null,
      tolerance: null,
      status: 'failed',
      reason,
    });
  }
  for (const { stage, name, file } of dir.toCompare()) {
    // What belongs to rounded weights is compared with --weights.
    if (stage === QLORA_STAGE || !wanted(stage, name) || covered.has(`${file}\n${name}`)) continue;
    const reason = 'nothing computes this tensor yet';
    rows.push({
      model: dir.name,
      stage,
      tensor: name,
      error: null,
      tolerance: null,
      status: 'skipped',
      reason,
    });
  }
  return rows;
}

function format({ model, stage, tensor, error, tolerance, status, reason }: ParityRow): string {
  const numbers =
    error === null ? '' : ` error ${error.toExponential(2)} of ${(tolerance ?? 0).toExponential(2)}`;
  return `${status.padEnd(7)} ${model} ${stage} ${tensor}${numbers}${reason ? ` (${reason})` : ''}`;
}

await runCommand(USAGE, async () => {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  if (positionals.length === 0) throw new UsageError('Name at least one fixture folder.');
  const matches = globMatcher(values.only);
  const stages = values.stages?.split(',').map((stage) => stage.trim());
  const precision = values.weights === undefined ? null : oneOf('weights', values.weights, WEIGHT_PRECISIONS);
  const wanted: Wanted = (stage, name) => (stages?.includes(stage) ?? true) && matches(name);
  let context: Promise<GpuContext> | undefined;
  const gpu = (): Promise<GpuContext> => {
    context ??= acquireDevice({ gpu: createNodeGpu() });
    return context;
  };
  const rows: ParityRow[] = [];
  for (const folder of positionals) {
    const dir = openFixtureDir(resolve(process.env.INIT_CWD ?? '.', folder));
    const found = precision
      ? await checkQuantised(await gpu(), dir, wanted, precision)
      : await checkFolder(gpu, dir, wanted);
    for (const row of found) if (row.status !== 'passed' || !values.quiet) log(format(row));
    rows.push(...found);
  }
  const count = (status: ParityRow['status']): number => rows.filter((row) => row.status === status).length;
  const summary = { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
  log(`parity: ${summary.passed} passed, ${summary.failed} failed, ${summary.skipped} skipped`);
  if (values.json) process.stdout.write(`${JSON.stringify({ ...summary, rows })}\n`);
  const { LOOKBACK_COUNTS: counts } = process.env;
  if (counts) {
    const failed = summary.failed + summary.skipped;
    writeFileSync(counts, JSON.stringify({ passed: summary.passed, failed, skipped: 0 }));
  }
  if (rows.length === 0) throw new Error('Nothing was selected: check --stages and --only.');
  if (summary.failed + summary.skipped > 0) throw new Error('Parity does not hold; see the lines above.');
});

function parse() {
  return parseArgs({
    allowPositionals: true,
    options: {
      stages: { type: 'string' },
      only: { type: 'string' },
      weights: { type: 'string' },
      json: { type: 'boolean' },
      quiet: { type: 'boolean' },
    },
  });
}
