// Plain JavaScript, because this file enables TypeScript for the rest.
import { tsImport } from 'tsx/esm/api'

const { up } = await tsImport('./src/up.ts', import.meta.url)
await up()
process.exit()
