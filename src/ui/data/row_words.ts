// Cuts a row's prompt into tags and text for the row browser. The engine has applied tokenizer and template before; the
// pieces joined are the prompt.

/** Template tokens such as `<|im_start|>`, the picture's place among them, and the tags of reasoning. */
export type PieceKind = 'template' | 'image' | 'think' | 'back' | 'plain';

/** A run of the prompt. */
export interface PromptPiece {
  readonly kind: PieceKind;
  readonly text: string;
}

function kindOf(tag: string): PieceKind {
  if (/think/.test(tag)) return 'think';
  if (/back/.test(tag)) return 'back';
  return /image_pad|video_pad/.test(tag) ? 'image' : 'template';
}

/** Cuts a prompt at its tags. */
export function promptPieces(prompt: string): PromptPiece[] {
  const pieces: PromptPiece[] = [];
  // A split with a group gives text and tag by turns.
  prompt.split(/(<\|[a-z_]+\|>|<\/?(?:think|back)>)/).forEach((text, i) => {
    if (text !== '') pieces.push({ kind: i % 2 === 1 ? kindOf(text) : 'plain', text });
  });
  return pieces;
}
