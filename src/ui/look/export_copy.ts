// The words of an answer that is saved as a picture or a table.

/** Everything that they say. */
export const EXPORT_COPY = {
  png: 'Save as a picture (PNG)',
  csv: 'Save the shares (CSV)',
  noAdapter: 'no adapter',
  caption: (model: string, adapter: string, seed: number, temperature: number) =>
    `${model}, ${adapter}, seed ${seed}, temperature ${temperature}. Made with Look-Back in the browser.`,
  colours:
    'Colours and numbers: share of attention per image token, mean over heads, then over layers. Attention is not an explanation.',
} as const;
