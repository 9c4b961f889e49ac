// Starts the product's own engine Worker behind a meter of its GPU buffers, which is in place before the engine's
// modules run.

import './gpu_meter';
import '../../../src/worker/engine.worker';
