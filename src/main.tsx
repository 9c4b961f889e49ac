// Mounts the page over the engine's Worker, which is the only way from the page to the engine.

import { mount } from './ui/mount';

mount(
  () => new Worker(new URL('./worker/engine.worker.ts', import.meta.url), { type: 'module', name: 'engine' }),
);
