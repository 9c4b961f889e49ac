// Starts the product's own engine Worker behind marks of its writes, which are in place before the engine's modules
// run.

import './write_marks';
import '../../../src/worker/engine.worker';
