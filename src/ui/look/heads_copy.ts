// Holds the sentences of the panel of layers and heads.

/** Texts; steps, layers and heads count from 1. */
export const HEADS = {
  title: 'Layers and heads',
  why: 'Chart and heatmap show the mean over all heads, then over all layers. For one token, single layers and heads can be looked at: the answer is run again up to that token, with the same tokens, and everything is kept. Nothing new is written.',
  choose: 'Select one token of a finished answer of the loaded model.',
  fetch: (step: number) => `Look at step ${step + 1} in every layer and head`,
  busy: 'Running the answer again up to this token…',
  layer: 'Layer',
  head: 'Head',
  all: 'mean of all',
  grid: (layers: number, heads: number) =>
    `Share of attention on the image in ${layers} layers (rows) of ${heads} heads (columns)`,
  gridHint:
    'Attention on the image by layer (row) and head (column), the most in full colour. Press a cell to choose it.',
  mean: 'This is the mean of all, as recorded.',
  part: (part: string) => `Heatmap and sentence show ${part}: not the mean that the chart shows.`,
};
