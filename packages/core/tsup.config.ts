import { defineConfig } from 'tsup'

export default defineConfig({
  // Flat: the suite finds its worker beside itself, whichever file it ends up in.
  entry: {
    index: 'src/index.ts',
    adapter: 'src/adapter.ts',
    conformance: 'src/conformance/index.ts',
    'conformance-worker': 'src/conformance/worker/main.ts',
    'mq-conformance': 'src/conformance/bin.ts',
  },
  format: ['esm'],
  target: 'node20',
  dts: true,
  clean: true,
})
