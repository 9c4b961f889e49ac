// Writes how many tests passed and failed to the file named by LOOKBACK_COUNTS, for the runner's last line; it is
// silent when the variable is unset.

import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** Counts every test once; a file that fails to load, or an unhandled error, counts as one failure. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const file = process.env.LOOKBACK_COUNTS;
    if (!file) return;
    const counts = { passed: 0, failed: unhandled.length, skipped: 0, files: modules.length };
    for (const module of modules) {
      let failedTests = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') counts.passed += 1;
        else if (state === 'failed') failedTests += 1;
        else counts.skipped += 1;
      }
      // A module can fail without any failing test: a syntax error, or a hook that throws.
      counts.failed += failedTests || (module.ok() ? 0 : 1);
    }
    writeFileSync(file, JSON.stringify(counts));
  }
}
