// Declares what the kernels write that finish decode attention, with the classes of keys and their Params.

#if CAPTURE
@group(0) @binding(${KEY_CLASS}) var<storage, read> key_class: array<u32>;
#endif
@group(0) @binding(${OUT}) var<storage, read_write> out: array<vec4f>;
#if CAPTURE
@group(0) @binding(${MASSES}) var<storage, read_write> masses: array<f32>;
#endif
#if MAP
@group(0) @binding(${MAP_AT}) var<storage, read_write> map: array<f32>;
#endif
@group(0) @binding(${PARAMS}) var<uniform> params: Params;
