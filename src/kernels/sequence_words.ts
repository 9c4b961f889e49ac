// The state of a sequence on the device as words, and the classes of keys: one statement for the host, which writes and
// reads them, and for WGSL, which gets them as text parameters.

/** Place of each word of a sequence's state. */
export const SEQUENCE_WORD = {
  /** Cache slot of the sequence's own keys. */
  slot: 0,
  /** Index in the slot of the key that is written next. */
  length: 1,
  /** Slot of the prefix that is seen besides. */
  prefixSlot: 2,
  /** Keys of the prefix; 0 for none. */
  prefixLength: 3,
  /** Row of the rotary tables. */
  position: 4,
  /** Tokens generated so far. */
  generated: 5,
  /** 1 when the sequence has ended. */
  done: 6,
  /** Id of the newest token. */
  token: 7,
} as const;

/** Words per sequence. */
export const SEQUENCE_WORDS = Object.keys(SEQUENCE_WORD).length;

/** State of one sequence. */
export type SequenceFields = Readonly<Record<keyof typeof SEQUENCE_WORD, number>>;

/** A sequence that does nothing: it has ended before it began. */
export function endedSequence(slot: number): SequenceFields {
  const none = { length: 0, prefixSlot: 0, prefixLength: 0, position: 0, generated: 0, token: 0 };
  return { slot, ...none, done: 1 };
}

/** States as words, u32 [B, 8]. */
export function packSequenceStates(sequences: readonly SequenceFields[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(SEQUENCE_WORDS * sequences.length);
  sequences.forEach((fields, index) => {
    for (const [name, at] of Object.entries(SEQUENCE_WORD))
      words[SEQUENCE_WORDS * index + at] = fields[name as keyof SequenceFields];
  });
  return words;
}

/** One word of every sequence. @param words u32 [B, 8] */
export function sequenceWord(words: Uint32Array, name: keyof typeof SEQUENCE_WORD): Uint32Array {
  const batch = words.length / SEQUENCE_WORDS;
  return Uint32Array.from({ length: batch }, (_, b) => words[SEQUENCE_WORDS * b + SEQUENCE_WORD[name]]!);
}

/**
 * Class of a key in attention capture: before the image, an image token, `vision_end` and the like, the question's text,
 * generated. In a word of `keyClass` it takes the low 8 bits; the high 24 bits of an image token are its place in the map.
 */
export const KEY_CLASS = { beforeImage: 0, image: 1, remainder: 2, query: 3, generated: 4 } as const;

/** Number of key classes. */
export const KEY_CLASSES = Object.keys(KEY_CLASS).length;

/** `SEQUENCE_SLOT`, `SEQUENCE_WORDS`, `KEY_CLASS_IMAGE`, `KEY_CLASSES` and so on: text parameters of every shader. */
export const STATE_DEFINES: Readonly<Record<string, number>> = {
  SEQUENCE_WORDS,
  KEY_CLASSES,
  ...prefixed('SEQUENCE', SEQUENCE_WORD),
  ...prefixed('KEY_CLASS', KEY_CLASS),
};

function prefixed(prefix: string, words: Readonly<Record<string, number>>): Record<string, number> {
  const upper = (name: string): string => name.replace(/[A-Z]/g, '_$&').toUpperCase();
  return Object.fromEntries(Object.entries(words).map(([name, at]) => [`${prefix}_${upper(name)}`, at]));
}
