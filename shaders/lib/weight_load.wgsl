// Unpacks two weights from one word as they lie in a safetensors file: element e is in word e >> 1, low half first.
// It needs the define WEIGHT = bf16 | f16; f32 weights are bound as they are. Every bf16 and every f16 is an f32, so
// this is exact (f16 subnormals may flush to zero).

fn unpack_pair(word: u32) -> vec2f {
#if WEIGHT == bf16
  return bitcast<vec2f>(vec2u(word << 16u, word & 0xffff0000u));
#else
  return unpack2x16float(word);
#endif
}
