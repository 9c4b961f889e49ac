// Entry point of the page: mounts it over the engine's Worker.
// Nothing else happens here. Invariant: the Worker is the only way from the page to the engine.

import { mount } from './ui/mount';

mount(
  () => new Worker(new URL('./worker/engine.worker.ts', import.meta.url), { type: 'module', name: 'engine' }),
);
