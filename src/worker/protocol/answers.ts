// The messages about a question and its answer: the request, the tokens, segments and attention as they come, and the
// result with the answer, its verdict and its phases. Types only.

import type { Grade } from '../../answer/answer_grading';
import type { SegmentKind } from '../../answer/answer_grammar';
import type { AttentionPhases } from '../../answer/attention_phases';
import type { ColourWord } from '../../data/world/colour_words';
import type { Truth } from '../../data/world/seen_colours';
import type { GenerationSettings } from '../../settings/generation_settings';
import type { ReasoningMode } from '../../settings/reasoning_modes';

/** A question of a conversation with its answer. */
export interface EarlierTurn {
  readonly question: string;
  readonly mode: ReasoningMode;
  readonly answer: string;
}

/** A question about pictures. */
export interface GenerateRequest extends GenerationSettings {
  /** The encoded files as chosen by the user, in the order of `image 1`, `image 2`; decoded in the Worker. */
  readonly images: readonly Blob[];
  /** What the asker calls the pictures; the result names it, so that an answer is never shown with others. */
  readonly picture: string;
  readonly question: string;
  /** Turns before the question, oldest first, about the same pictures; absent for a question of its own. */
  readonly earlier?: readonly EarlierTurn[];
  /** The answer that counts as right; null where it is not known. */
  readonly expected: string | null;
  /** Record attention (shares and maps) for each generated token. */
  readonly capture: boolean;
  /** A stored adapter and its strength (1 is as trained); null asks the base model. */
  readonly adapter: { readonly id: string; readonly strength: number } | null;
}

/** Why generation ended. */
export type FinishReason = 'eos' | 'length' | 'stopped';

/** Measured figures of one answer. Times in milliseconds. */
export interface GenerateStats {
  readonly promptTokens: number;
  /** Prompt tokens that the conversation had already, so that they were not run again. */
  readonly reusedTokens: number;
  readonly generatedTokens: number;
  readonly timeToFirstTokenMs: number;
  readonly totalMs: number;
  /** Generated tokens after the first, per second. */
  readonly tokensPerSecond: number;
  readonly seed: number;
  readonly finishReason: FinishReason;
}

/** What `generate` resolves with; the tokens themselves arrive as events. */
export interface GenerateResult {
  /** The pictures and the question that it belongs to, as the request named them. */
  readonly about: { readonly picture: string; readonly question: string };
  readonly text: string;
  /** Content of the last whole box, trimmed; null when there is none or nothing is in it. */
  readonly answer: string | null;
  /** Whether the answer equals the expected one or may be true by the pixels, and why; null where neither is known. */
  readonly verdict: Grade | null;
  /** What the pixels that the model received say of the question; null where one was expected or they say nothing. */
  readonly truth: Truth | null;
  /** Attention on the image by phase; null when none was recorded. */
  readonly phases: AttentionPhases | null;
  readonly stats: GenerateStats;
}

/** A span of the generated text. Offsets are UTF-16 units of the text so far; tokens are generated-token indices, end exclusive. */
export interface Segment {
  readonly kind: SegmentKind;
  /** The content, without tags. */
  readonly start: number;
  readonly end: number;
  /** The same with its tags, as far as they were written. */
  readonly outerStart: number;
  readonly outerEnd: number;
  readonly tokenStart: number;
  readonly tokenEnd: number;
  /** False while it is still growing, or when its closing tag never came. */
  readonly closed: boolean;
}

/** Attention of one generated token, mean over heads, then over layers; the sum is a little below 1 (`vision_end`). */
export interface AttentionShares {
  readonly image: number;
  readonly query: number;
  readonly generated: number;
}

/** One generated token. */
export interface TokenFact {
  /** 0-based index among generated tokens. */
  readonly step: number;
  readonly id: number;
  /** Text this token added (may be empty). */
  readonly text: string;
  /**
   * Attention of the query that *is* this token (available one step later), or null when not recorded.
   */
  readonly shares: AttentionShares | null;
  /**
   * Probability mass on each cell of the grids of `PromptFact.pictures`, one after the other, row-major, mean over heads
   * and layers; or null.
   */
  readonly map: Float32Array | null;
  readonly atMs: number;
}

/** How one picture became image tokens. */
export interface PictureFact {
  /** Rows and columns of the grid that the image tokens form on the picture. */
  readonly grid: readonly [number, number];
  readonly sourceWidth: number;
  readonly sourceHeight: number;
  /** What the model received, in pixels. */
  readonly resizedWidth: number;
  readonly resizedHeight: number;
  /** Set when something about the file was simplified, e.g. only the first frame of an animation is used. */
  readonly notes: readonly string[];
  /**
   * The colour word of each cell of what the model receives, in raster order, null where none is clear; null for models
   * that do not see pictures so.
   */
  readonly cells: readonly (ColourWord | null)[] | null;
}

/** How the question became a prompt. */
export interface PromptFact {
  readonly promptTokens: number;
  /** Image tokens of all pictures. */
  readonly imageTokens: number;
  /** True when only the middle square of a picture was taken (`squareCrop`). */
  readonly square: boolean;
  /** In the order of the request. */
  readonly pictures: readonly PictureFact[];
}

/** Facts about the answer being generated. */
export type AnswerEvent =
  | { readonly type: 'promptReady'; readonly prompt: PromptFact }
  | {
      readonly type: 'tokensGenerated';
      readonly tokens: readonly TokenFact[];
      readonly segments: readonly Segment[];
    }
  | {
      readonly type: 'attentionRecorded';
      readonly step: number;
      readonly shares: AttentionShares;
      readonly map: Float32Array;
    }
  | {
      readonly type: 'generationFinished';
      readonly result: GenerateResult;
      readonly segments: readonly Segment[];
    };

/** How much of a question the loaded model's vocabulary covers. */
export interface QuestionReading {
  /** Words that the model would read as unknown, as they are looked up, each with known ones that may be meant. */
  readonly unknown: readonly { readonly word: string; readonly nearest: readonly string[] }[];
  /** Unknown words divided by all words; 0 for models that can read any text. */
  readonly share: number;
}

/** A token of a finished answer, to be looked at in every layer and head: what was asked, and the answer's ids. */
export interface HeadsRequest
  extends Pick<GenerateRequest, 'images' | 'question' | 'mode' | 'earlier' | 'maxImageTokens' | 'adapter'> {
  /** Ids of the answer up to the token looked at, which is the last. */
  readonly ids: readonly number[];
}

/** Attention of one token in every layer and head; its means are what was recorded with the answer. */
export interface HeadAttention {
  readonly layers: number;
  readonly heads: number;
  /** [layers, heads, 4] mass on the image, the question, the generated text, and on all keys from the first image token on. */
  readonly masses: Float32Array;
  /** [layers, heads, cells] mass on each cell of the pictures' grids, one picture after the other. */
  readonly maps: Float32Array;
}

/** Commands of questions. */
export interface AnswerCommands {
  /** What the loaded model cannot read of a question; quick enough for every keystroke. Null without a model. */
  readQuestion(text: string): Promise<QuestionReading | null>;
  /** Answers a question; rejects with `engine/state` while another answer is being generated. */
  generate(request: GenerateRequest): Promise<GenerateResult>;
  /**
   * Runs an answer's tokens again, as they are, up to one of them, and keeps its attention in every layer and head. `stop`
   * ends it, and so does the next question. Rejects with `engine/state` while an answer is being generated.
   */
  attendByHead(request: HeadsRequest): Promise<HeadAttention>;
  /** Ends the running answer within a step or two; its partial text is kept. */
  stop(): Promise<void>;
}
