// Settings of published checkpoints as their config.json has them, flat as released, with the size of the whole model.

import qwen2_5_vl_3b from '../../../configs/models/Qwen2.5-VL-3B-Instruct.json';
import qwen2_5_vl_7b from '../../../configs/models/Qwen2.5-VL-7B-Instruct.json';

interface RealConfig {
  readonly json: Readonly<Record<string, unknown>>;
  /** Tensors of the checkpoint, and values in them. */
  readonly tensors: number;
  readonly parameters: number;
}

const TOKENS = {
  image_token_id: 151655,
  video_token_id: 151656,
  vision_start_token_id: 151652,
  vision_end_token_id: 151653,
  bos_token_id: 151643,
  eos_token_id: 151645,
};

const QWEN2_TEXT = {
  hidden_act: 'silu',
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] },
  use_sliding_window: false,
  ...TOKENS,
};

/** SmolVLM as its files have it, with the sizes of the decoder; what is left out is the library's default. */
function smolvlm(
  modelType: string,
  hidden_size: number,
  intermediate_size: number,
  num_hidden_layers: number,
  heads: readonly [query: number, keyValue: number],
) {
  return {
    model_type: modelType,
    image_token_id: 49190,
    pad_token_id: 128002,
    scale_factor: 4,
    tie_word_embeddings: false,
    text_config: {
      head_dim: 64,
      hidden_size,
      intermediate_size,
      max_position_embeddings: 8192,
      model_type: 'llama',
      num_attention_heads: heads[0],
      num_hidden_layers,
      num_key_value_heads: heads[1],
      pad_token_id: 2,
      qk_layer_norms: false,
      rms_norm_eps: 1e-5,
      rope_interleaved: false,
      rope_theta: 100000,
      use_resampler: false,
      vocab_size: 49280,
    },
    vision_config: { hidden_size: 768, image_size: 512, num_attention_heads: 12, patch_size: 16 },
  };
}

/** By name. Sizes: `total_size` of the published index, two bytes a value, and its number of tensors. */
export const REAL_CONFIGS: Readonly<Record<string, RealConfig>> = {
  'Qwen2.5-VL-3B': {
    tensors: 824,
    parameters: 3_754_622_976,
    json: qwen2_5_vl_3b,
  },
  'Qwen2.5-VL-7B': {
    tensors: 729,
    parameters: 8_292_166_656,
    json: qwen2_5_vl_7b,
  },
  'Qwen2-VL-2B': {
    tensors: 729,
    parameters: 2_208_985_600,
    json: {
      model_type: 'qwen2_vl',
      ...QWEN2_TEXT,
      hidden_size: 1536,
      intermediate_size: 8960,
      num_hidden_layers: 28,
      num_attention_heads: 12,
      num_key_value_heads: 2,
      vocab_size: 151936,
      tie_word_embeddings: true,
      max_position_embeddings: 32768,
      vision_config: {
        depth: 32,
        embed_dim: 1280,
        mlp_ratio: 4,
        num_heads: 16,
        in_chans: 3,
        hidden_size: 1536,
        patch_size: 14,
        spatial_merge_size: 2,
        spatial_patch_size: 14,
        temporal_patch_size: 2,
      },
    },
  },
  'Qwen3-VL-2B': {
    tensors: 625,
    parameters: 2_127_532_032,
    json: {
      model_type: 'qwen3_vl',
      ...TOKENS,
      tie_word_embeddings: true,
      text_config: {
        attention_bias: false,
        head_dim: 128,
        hidden_act: 'silu',
        hidden_size: 2048,
        intermediate_size: 6144,
        max_position_embeddings: 262144,
        model_type: 'qwen3_vl_text',
        num_attention_heads: 16,
        num_hidden_layers: 28,
        num_key_value_heads: 8,
        rms_norm_eps: 1e-6,
        rope_scaling: { mrope_interleaved: true, mrope_section: [24, 20, 20], rope_type: 'default' },
        rope_theta: 5e6,
        vocab_size: 151936,
      },
      vision_config: {
        deepstack_visual_indexes: [5, 11, 17],
        depth: 24,
        hidden_act: 'gelu_pytorch_tanh',
        hidden_size: 1024,
        in_channels: 3,
        intermediate_size: 4096,
        num_heads: 16,
        num_position_embeddings: 2304,
        out_hidden_size: 2048,
        patch_size: 16,
        spatial_merge_size: 2,
        temporal_patch_size: 2,
      },
    },
  },
  'SmolVLM-256M': {
    tensors: 471,
    parameters: 256_484_928,
    json: smolvlm('idefics3', 576, 1536, 30, [9, 3]),
  },
  'SmolVLM2-500M': {
    tensors: 489,
    parameters: 507_482_304,
    json: smolvlm('smolvlm', 960, 2560, 32, [15, 5]),
  },
};
