// Copies keys and values of many tokens into their cache cells, as prefill does.
// Bindings: k and v [T, NKV, HS], targets [T, 2] = slot (0xffffffff: skip the token), index,
//   k_cache and v_cache [slots, NKV, capacity, HS]. Distinct tokens must have distinct targets.
// One invocation = one element of one token's keys and values. An index past the capacity is skipped.

struct Params { tokens: u32, kv_heads: u32, head_size: u32, capacity: u32 }

@group(0) @binding(0) var<storage, read> k: array<f32>;
@group(0) @binding(1) var<storage, read> v: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> k_cache: array<f32>;
@group(0) @binding(4) var<storage, read_write> v_cache: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(64)
fn kv_append(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = (group.y * groups.x + group.x) * 64u + lane;
  let element = index % params.head_size;
  let head = index / params.head_size % params.kv_heads;
  let token = index / params.head_size / params.kv_heads;
  if (token >= params.tokens) { return; }
  let cell = targets[token];
  if (cell.x == 0xffffffffu || cell.y >= params.capacity) { return; }
  let to = ((cell.x * params.kv_heads + head) * params.capacity + cell.y) * params.head_size + element;
  k_cache[to] = k[index];
  v_cache[to] = v[index];
}
