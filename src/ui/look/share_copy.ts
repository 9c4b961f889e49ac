// The words of sharing an answer.

import { pageName } from '../controls';

/** Everything that the dialog says. */
export const SHARE_COPY = {
  title: 'Share or keep this answer',
  link: 'Link of this answer',
  copy: 'Copy the link',
  copied: 'Copied',
  copyByHand:
    'The browser did not let the page copy. The link is selected when the field has the focus: copy it there.',
  carries:
    'The link itself carries the question, the picture as the model received it, every token and its attention. Whoever opens it can play the answer without a model, WebGPU or a server that knows it. Nothing is uploaded.',
  picture: (at: number, of: number) => (of === 1 ? 'shared' : `shared ${at + 1}`),
  size: (characters: number, most: number) =>
    `${characters.toLocaleString('en')} of at most ${most.toLocaleString('en')} characters.`,
  lossy: 'The picture is compressed with a little loss so that it fits.',
  making: 'Packing the answer…',
  tooLarge: (characters: number, most: number) =>
    `This answer is too large for a link: it would take ${characters.toLocaleString('en')} characters, and ${most.toLocaleString('en')} are the most that travels safely. Save it as a file: whoever drops the file on this page can play it.`,
  keep: 'Keep it in this browser',
  kept: `Kept: it is listed on ${pageName('library')}.`,
  notKept: 'It could not be kept.',
  save: 'Save the trace',
  close: 'Close',
} as const;
