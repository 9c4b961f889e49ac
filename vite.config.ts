// Builds the page: static files that any host serves from any folder, under a content security policy fixed here. The
// built page can reach its own origin and, when the user asks for a model, the model hub or a mirror of it on the same
// computer; nothing else.

import { defineConfig, type Plugin } from 'vite';
import { precache, SERVICE_WORKER } from './tools/vite_precache.mjs';
import { ONNX_STUBS } from './tools/vite_shared.mjs';

/** `frame-ancestors` is missing because browsers ignore it in a meta element. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self' https://huggingface.co https://*.hf.co http://localhost:* http://127.0.0.1:*",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Puts the policy first in the built page's head; the dev server injects inline scripts and goes without. */
function contentSecurityPolicy(): Plugin {
  return {
    name: 'content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: CONTENT_SECURITY_POLICY },
        injectTo: 'head-prepend',
      },
    ],
  };
}

export default defineConfig({
  base: './',
  resolve: { alias: ONNX_STUBS },
  plugins: [contentSecurityPolicy(), precache()],
  // These are imported by Workers only, where Vite's scan does not find them before the first visit.
  optimizeDeps: {
    include: ['@huggingface/transformers', 'quickjs-emscripten-core', '@jitl/quickjs-asmjs-mjs-release-sync'],
  },
  worker: {
    format: 'es',
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: 'transformers', test: /node_modules\/@huggingface/ }] } },
    },
  },
  build: {
    target: 'es2022',
    // A preload polyfill would be an inline script; every browser with WebGPU preloads modules itself.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    manifest: true,
    rolldownOptions: {
      input: { index: 'index.html', service_worker: 'src/service_worker.ts' },
      output: {
        // Its place decides which addresses it answers for, so that it lies beside the page and keeps its name.
        entryFileNames: ({ name }) =>
          name === 'service_worker' ? SERVICE_WORKER : 'assets/[name]-[hash].js',
      },
    },
  },
  server: { host: 'localhost' },
  preview: {
    host: 'localhost',
    // A meta element's policy does not reach a worker's own requests; a header does, so the journeys run under it.
    headers: { 'Content-Security-Policy': `${CONTENT_SECURITY_POLICY}; frame-ancestors 'none'` },
  },
});
