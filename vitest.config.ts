// Configures the test projects: `node` (no GPU), `components` (rendered into a document without a browser), `gpu`
// (headless Chromium with WebGPU, what the gate runs) and `gpu-node` (the same files over Dawn in Node, quicker while
// developing). GPU tests run in one page and one worker, so that a software adapter on two cores is never shared by two
// test files, and share one device.

import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { HUB_COMMANDS } from './test/hub/hub_commands.ts';
import { BROWSER_ARGS, findBrowser, vulkanEnvironment } from './tools/browser.mjs';
import { ONNX_STUBS } from './tools/vite_shared.mjs';

const GPU_FILES = ['test/{gpu,kernels,tensor,convergence}/**/*.test.ts', 'test/**/*.gpu.test.ts'];
/** What only a browser has: IndexedDB, locks between tabs. No GPU, but the same Chromium. */
const BROWSER_FILES = ['test/**/*.browser.test.ts'];
const NEVER = ['test/e2e/**', 'test/bench/**', 'test/soak/**', 'node_modules/**'];

const executablePath = findBrowser();
// Before any worker is forked: a Vulkan loader reads its environment once, at start.
const vulkan = { ...vulkanEnvironment() } as Record<string, string>;

export default defineConfig({
  publicDir: 'public',
  resolve: { alias: ONNX_STUBS },
  test: {
    reporters: ['default', './test/harness/reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          exclude: [...NEVER, ...GPU_FILES, ...BROWSER_FILES],
          testTimeout: 30_000,
          // Half of the processor time was imports of the same modules, file by file.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          // Each file renders into a document of its own, which modules keep hold of: they are isolated.
          name: 'components',
          environment: 'happy-dom',
          include: ['test/**/*.test.tsx'],
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        // All that any test loads, the page among it, which answers for files that are not there: bundling one of them
        // in mid-run would reload the tests' page.
        optimizeDeps: {
          entries: [...GPU_FILES, ...BROWSER_FILES],
          include: [
            '@huggingface/transformers',
            'fast-check',
            'idb',
            'fflate',
            'fastest-levenshtein',
            'hyparquet',
            'hyparquet-compressors',
            'hyparquet/src/column.js',
            'hyparquet/src/datapage.js',
            'hyparquet/src/schema.js',
            '@noble/hashes/sha2.js',
            '@noble/hashes/utils.js',
            '@preact/signals',
            'preact',
            'preact/hooks',
            'preact/jsx-dev-runtime',
            'preact/jsx-runtime',
            'uplot',
            'client-zip',
            'comlink',
            'omggif',
            'valibot',
            'quickjs-emscripten-core',
            '@jitl/quickjs-asmjs-mjs-release-sync',
          ],
        },
        test: {
          name: 'gpu',
          // The device and what is compiled on it are shared by all files: the same kernels come up in most of them.
          isolate: false,
          include: [...GPU_FILES, ...BROWSER_FILES],
          exclude: NEVER,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            commands: HUB_COMMANDS,
            provider: playwright({
              launchOptions: {
                // Chromium gives up on the GPU after a second crash; one crash must not fail every later file.
                args: [...BROWSER_ARGS, '--disable-gpu-process-crash-limit'],
                ...(executablePath ? { executablePath } : {}),
              },
            }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      {
        extends: true,
        test: {
          name: 'gpu-node',
          environment: 'node',
          include: GPU_FILES,
          exclude: NEVER,
          pool: 'forks',
          maxWorkers: 1,
          fileParallelism: false,
          env: vulkan,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
