// Says which keys a sequence sees (src/kernels/sequence_words.ts): positions of a prefix's slot, then positions of its own.
// Including files declare `sequences` and include lib/cache_cells.wgsl.

struct SequenceKeys {
  /// Positions before a slot's first one, and the slot's capacity.
  prefix_span: vec2u,
  own_span: vec2u,
  /// How many keys are seen; none of a finished sequence.
  prefix: u32,
  own: u32,
  /// Whether the newest key has a cell: the sequence runs, and its slot is not full. It is then the last of its own keys.
  has_newest: bool,
}

fn sequence_keys(sequence: u32) -> SequenceKeys {
  let at = sequence * ${SEQUENCE_WORDS}u;
  let prefix_span = slot_span(sequences[at + ${SEQUENCE_PREFIX_SLOT}u]);
  let own_span = slot_span(sequences[at + ${SEQUENCE_SLOT}u]);
  let running = sequences[at + ${SEQUENCE_DONE}u] == 0u;
  let length = sequences[at + ${SEQUENCE_LENGTH}u];
  let prefix = select(0u, min(sequences[at + ${SEQUENCE_PREFIX_LENGTH}u], prefix_span.y), running);
  let own = select(0u, min(length + 1u, own_span.y), running);
  return SequenceKeys(prefix_span, own_span, prefix, own, running && length < own_span.y);
}
