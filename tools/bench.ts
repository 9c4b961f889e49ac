// `npm run bench -- NAME [OPTIONS]`: runs one of the benches below. A bench is one line in the table, reads its own
// options and writes results to stdout; it has no verdict.

import { runCommand, UsageError } from './command_line';

/** Benches by name. Loaded only when asked for. */
const BENCHES: Readonly<
  Record<string, () => Promise<{ run(args: string[], signal: AbortSignal): Promise<void> }>>
> = {
  commits: () => import('./bench_commits'),
  decode: () => import('./bench_decode'),
  gemm: () => import('./bench_gemm'),
  gpu: () => import('./bench_gpu'),
  peers: () => import('./bench_peers'),
  train: () => import('./bench_train'),
};

const USAGE = `usage: npm run bench -- ${Object.keys(BENCHES).join('|')} [--json] [OPTIONS OF THE BENCH]`;

await runCommand(USAGE, async (signal) => {
  const [name = '', ...args] = process.argv.slice(2);
  const load = BENCHES[name];
  if (!load) throw new UsageError(name ? `There is no bench "${name}".` : 'Say which bench to run.');
  const bench = await load();
  await bench.run(args, signal);
});
