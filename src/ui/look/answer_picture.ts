// Draws an answer as one picture to be shown elsewhere: what the model saw with the heatmap of the shown steps, the question,
// the answer by segments, the verdict, and a caption that says which model it was and what the colours mean.

import type { Look } from '../../state/look';
import type { Answer } from '../../state/session';
import { COPY } from '../copy';
import { EXPORT_COPY } from './export_copy';
import { drawOverlay, drawPicture } from './heatmap';
import { overlayOf } from './picture_canvas';
import { headlineOf } from './replay_headline';
import { verdictSentence } from './verdict_copy';

const WIDTH = 1200;
const MARGIN = 32;
const PICTURE = 520;
const TEXT_LEFT = MARGIN + PICTURE + MARGIN;
const TEXT_WIDTH = WIDTH - TEXT_LEFT - MARGIN;
/** Most lines of text, so that a long answer still makes a picture. */
const MOST_LINES = 120;
const SANS = 'system-ui, sans-serif';
const MONO = 'ui-monospace, "DejaVu Sans Mono", monospace';

/** Text in one form. */
interface Part {
  readonly text: string;
  readonly font: string;
  readonly size: number;
  readonly colour: string;
  /** Part of a look back, which gets a bar beside it. */
  readonly back?: boolean;
}

/** One line of a part. */
interface Line extends Part {
  /** Pixels from the top of all lines to the line's own bottom. */
  readonly bottom: number;
}

const INK = '#1b2023';
const INK_2 = '#555d63';
const ACCENT = '#b0440a';

/** Breaks text at spaces so that no line is wider than `width`; a word that is wider by itself is broken anywhere. */
export function wrapText(text: string, width: number, measure: (text: string) => number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(/(?<=\s)/)) {
      if (measure((line + word).trimEnd()) <= width) {
        line += word;
        continue;
      }
      if (line !== '') lines.push(line.trimEnd());
      line = word;
      while (measure(line.trimEnd()) > width && line.length > 1) {
        let fits = 1;
        while (fits < line.length && measure(line.slice(0, fits + 1)) <= width) fits += 1;
        lines.push(line.slice(0, fits));
        line = line.slice(fits);
      }
    }
    lines.push(line.trimEnd());
  }
  return lines;
}

function partsOf(look: Look, answer: Answer): { readonly beside: Part[]; readonly caption: Part[] } {
  const text = (words: string, size: number, colour = INK, weight = 400): Part => ({
    ...{ text: words, size, colour },
    font: `${weight} ${size}px ${SANS}`,
  });
  const cards = look.cards.value.flatMap(({ kind, start, end }): Part[] => {
    const colour = kind === 'back' ? ACCENT : INK_2;
    const back = kind === 'back';
    const body = answer.text.slice(start, end).trim();
    return [
      { ...text(COPY.segments[kind], 15, colour, 600), back },
      { text: body, font: `400 16px ${MONO}`, size: 16, colour: INK, back },
    ];
  });
  const { result, asked } = answer;
  const verdict = result === null ? null : verdictSentence(result, asked.expected);
  const { adapterLabel, modelLabel } = answer;
  const adapter =
    adapterLabel === null
      ? EXPORT_COPY.noAdapter
      : COPY.adapter.withStrength(adapterLabel, asked.adapter?.strength ?? 1);
  const sentence = look.readout.value?.sentence ?? '';
  return {
    beside: [
      text(asked.question, 22, INK, 600),
      ...cards,
      text([headlineOf(answer), verdict ?? ''].filter((words) => words !== '').join('. '), 18, INK, 600),
    ],
    caption: [
      ...(sentence === '' ? [] : [text(sentence, 15)]),
      text(EXPORT_COPY.caption(modelLabel, adapter, asked.seed, asked.temperature), 14, INK_2),
      text(EXPORT_COPY.colours, 14, INK_2),
    ],
  };
}

function linesOf(context: OffscreenCanvasRenderingContext2D, parts: readonly Part[], width: number): Line[] {
  let bottom = 0;
  const lines = parts.flatMap((part) => {
    context.font = part.font;
    bottom += part.size * 0.5;
    const wrapped = wrapText(part.text, width, (text) => context.measureText(text).width);
    return wrapped.map((text): Line => {
      bottom += part.size * 1.4;
      return { ...part, text, bottom };
    });
  });
  return lines.slice(0, MOST_LINES);
}

function drawLines(
  context: OffscreenCanvasRenderingContext2D,
  lines: readonly Line[],
  left: number,
  top: number,
): void {
  for (const { text, font, size, colour, back, bottom } of lines) {
    context.font = font;
    context.fillStyle = colour;
    context.fillText(text, left, top + bottom - size * 0.35);
    if (back !== true) continue;
    context.fillStyle = ACCENT;
    context.fillRect(left - 12, top + bottom - size * 1.4, 4, size * 1.4);
  }
}

/** Pictures with their heatmaps, one above the other; returns how high they are. */
function drawPictures(context: OffscreenCanvasRenderingContext2D | null, look: Look, answer: Answer): number {
  const { prompt } = answer;
  const pictures = look.answerPictures.value;
  const side = PICTURE / Math.max(1, Math.ceil(Math.sqrt(pictures.length)));
  let top = 0;
  pictures.forEach(({ bitmap }, at) => {
    const picture = document.createElement('canvas');
    drawPicture(picture, bitmap, prompt?.square ?? false, null);
    const scale = side / Math.max(picture.width, picture.height);
    const [width, height] = [picture.width * scale, picture.height * scale];
    if (context !== null) {
      const map = look.readout.value?.map ?? null;
      const over = document.createElement('canvas');
      drawOverlay(over, picture, map === null ? null : overlayOf(map, prompt, at, new Set()));
      context.drawImage(picture, MARGIN, MARGIN + top, width, height);
      context.drawImage(over, MARGIN, MARGIN + top, width, height);
    }
    top += height + 8;
  });
  return top;
}

/**
 * The answer on show as a PNG of 1200 pixels' width; null without one.
 * @throws {Error} where the browser has no canvas to draw it on
 */
export async function answerPicture(look: Look): Promise<Blob | null> {
  const { answer } = look.session.value;
  if (answer === null) return null;
  const scratch = new OffscreenCanvas(1, 1).getContext('2d');
  if (scratch === null) throw new Error('This browser gives no canvas to draw on.');
  const { beside, caption } = partsOf(look, answer);
  const right = linesOf(scratch, beside, TEXT_WIDTH);
  const below = linesOf(scratch, caption, WIDTH - 2 * MARGIN);
  const middle = Math.max(drawPictures(null, look, answer), right.at(-1)?.bottom ?? 0) + MARGIN;
  const height = Math.ceil(MARGIN + middle + (below.at(-1)?.bottom ?? 0) + MARGIN);
  const canvas = new OffscreenCanvas(WIDTH, height);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser gives no canvas to draw on.');
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, WIDTH, height);
  drawPictures(context, look, answer);
  drawLines(context, right, TEXT_LEFT, MARGIN);
  drawLines(context, below, MARGIN, MARGIN + middle);
  return canvas.convertToBlob({ type: 'image/png' });
}
