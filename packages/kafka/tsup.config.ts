import { defineConfig } from 'tsup'

export default defineConfig({
  // The thread of the memberships is a module of its own, which `index.js` finds by its name.
  entry: ['src/index.ts', 'src/member-thread.ts'],
  splitting: false,
  format: ['esm'],
  target: 'node20',
  dts: { entry: 'src/index.ts' },
  clean: true,
})
