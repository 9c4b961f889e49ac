// The engine's Worker of the soak: the product's own, behind marks of its writes. Nothing else differs.
// Invariant: the marks are in place before the engine's modules run.

import './write_marks';
import '../../../src/worker/engine.worker';
