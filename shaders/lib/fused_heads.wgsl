// Declares what decode attention rotates for itself (src/kernels/rotary_decode.ts) and reads the newest token's heads from the
// fused projection, rotated where asked: qkv [B, (heads + 2 kv_heads) * HS], sequences [B, 8], cosine and sine [P, HS/2].
// Including files declare params, and include lib/decode_tile.wgsl and lib/rotary_channel.wgsl.

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(3) var<storage, read> sequences: array<u32>;
@group(0) @binding(4) var<storage, read> cosine: array<f32>;
@group(0) @binding(5) var<storage, read> sine: array<f32>;

/// First channel in qkv of one of the sequence's heads; queries, keys and values count on.
fn fused_head(head: u32) -> u32 {
  let b = min(sequence, params.batch - 1u);
  return (b * (params.heads + 2u * params.kv_heads) + head) * 2u * params.half;
}

/// Four neighbouring channels of a head, turned by the newest position if asked; zeros past the head.
fn fused_vector(head: u32, d: u32, turns: bool) -> vec4f {
  let position = sequences[min(sequence, params.batch - 1u) * ${SEQUENCE_WORDS}u + ${SEQUENCE_POSITION}u];
  let start = fused_head(head);
  var value = vec4f(0f);
  for (var i = 0u; i < min(4u, 2u * params.half - min(2u * params.half, 4u * d)); i++) {
    if (turns) {
      value[i] = turned(start, 4u * d + i, position * params.half);
    } else {
      value[i] = qkv[start + 4u * d + i];
    }
  }
  return value;
}
