// Says which pair of channels an invocation of the split_rotary kernels turns: one pair of one head of the fused
// projection [T, (NH + 2 NKV) * HS], heads in the order queries, keys, values.

struct Params {
  tokens: u32,
  heads: u32,
  kv_heads: u32,
  half: u32,
  stride: u32,
  slots: u32,
  capacity: u32,
  prefix_capacity: u32,
}

@group(0) @binding(7) var<uniform> params: Params;

struct Pair {
  token: u32,
  /// Of queries, keys and values together.
  head: u32,
  /// The pair's first channel; the second is params.half further.
  channel: u32,
  /// Index of the first channel in the fused projection.
  fused: u32,
}

fn pair_at(group: vec3u, groups: vec3u, lane: u32) -> Pair {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  let half = params.half;
  let slots = params.heads + 2u * params.kv_heads;
  let channel = index % half;
  let head = index / half % slots;
  let token = index / half / slots;
  return Pair(token, head, channel, (token * slots + head) * 2u * half + channel);
}
