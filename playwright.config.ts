// Configures the end-to-end journeys through the built page, in the browser that the finder finds: with WebGPU over
// SwiftShader, and, for tests tagged @no-webgpu, without it; those tagged @gallery or @pipeline are soaks'. There are two
// workers, as a software GPU takes the processor where a page waits for it, and a page where the GPU does not.

import { defineConfig } from '@playwright/test';
import { BROWSER_ARGS, findBrowser } from './tools/browser.mjs';

const PORT = Number(process.env.LOOKBACK_E2E_PORT ?? 4719);
const executablePath = findBrowser();
const launch = executablePath ? { executablePath } : {};

export default defineConfig({
  testDir: 'test/e2e',
  testMatch: '**/*.{test,spec}.ts',
  outputDir: 'test-results',
  workers: 2,
  fullyParallel: false,
  forbidOnly: Boolean(process.env.CI),
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [['line']],
  use: {
    baseURL: `http://localhost:${PORT}`,
    // Recording every journey costs half of Playwright's own processor time: it is for who looks for a fault's cause.
    trace: process.env.LOOKBACK_E2E_TRACE ? 'retain-on-failure' : 'off',
    screenshot: 'only-on-failure',
    // A page that is kept on the device would answer for the servers of the journeys; one journey is about it.
    serviceWorkers: 'block',
    // An answer then ends on its look at once; the journeys of the first minute see it visit the look's cells.
    contextOptions: { reducedMotion: 'reduce' },
    // Journeys begin with an empty page and the settings unfolded; a first visit, with recording and guide, has its own.
    storageState: {
      cookies: [],
      origins: [
        {
          origin: `http://localhost:${PORT}`,
          localStorage: [
            { name: 'look-back/first-trace', value: 'off' },
            { name: 'look-back/answer-settings', value: 'open' },
            { name: 'look-back/guide', value: 'off' },
          ],
        },
      ],
    },
  },
  webServer: {
    command: `node node_modules/vite/bin/vite.js preview --port ${PORT} --strictPort`,
    url: `http://localhost:${PORT}`,
    reuseExistingServer: false,
    timeout: 30_000,
  },
  projects: [
    {
      name: 'chromium',
      grepInvert: process.env.LOOKBACK_WHOLE_PIPELINE
        ? /@no-webgpu|@gallery/
        : /@no-webgpu|@gallery|@pipeline/,
      use: {
        browserName: 'chromium',
        launchOptions: {
          ...launch,
          // Chromium gives up on the GPU after a few crashes; journeys of one browser cause some on purpose.
          args: [...BROWSER_ARGS, '--disable-gpu-process-crash-limit'],
        },
      },
    },
    ...['no-webgpu', 'gallery'].map((name) => ({
      name,
      grep: new RegExp(`@${name}`),
      use: {
        browserName: 'chromium' as const,
        launchOptions: {
          ...launch,
          // The browser then knows WebGPU and offers no adapter, as on a machine whose driver is blocked.
          args: BROWSER_ARGS.filter((flag) => flag !== '--enable-unsafe-webgpu'),
        },
      },
    })),
  ],
});
