// `pnpm test:matrix`: runs the suite and the tests of each adapter on the versions of brokers that people run, one cell after
// another. A cell that has passed on this commit is not run again, so a run that was broken off goes on where it ended. `--record` runs
// nothing: it takes the last results into the page and the READMEs.
import { mkdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { cells, isDone, matrixFolder, resultOf, runCell, table } from './lib/matrix.mjs'
import { stopWithSignals } from './lib/run.mjs'
import { recorded, recordResults } from './lib/tested-versions.mjs'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    again: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
  },
})

/** Returns the cells of `--only`, which lists ids, or beginnings of ids. */
function chosenCells() {
  const wanted = values.only?.split(',').map((text) => text.trim())
  if (wanted === undefined) return cells
  for (const text of wanted) {
    if (!cells.some(({ id }) => id.startsWith(text))) throw new Error(`There is no cell ${text}; --list prints them`)
  }
  const isWhole = (text) => cells.some(({ id }) => id === text)
  return cells.filter(({ id }) => wanted.some((text) => (isWhole(text) ? id === text : id.startsWith(text))))
}

if (values.list) {
  for (const { id, title } of cells) console.log(`${id.padEnd(24)} ${title}`)
} else if (values.record) {
  const found = chosenCells().map((cell) => [cell.id, resultOf(cell)])
  const results = found.filter(([, result]) => result !== undefined)
  recordResults(Object.fromEntries(results.map(([id, result]) => [id, recorded(result)])))
  console.log(`recorded ${results.map(([id]) => id).join(', ') || 'nothing'}`)
} else {
  stopWithSignals()
  mkdirSync(matrixFolder, { recursive: true })
  const chosen = chosenCells()
  for (const cell of chosen) {
    if (!values.again && isDone(cell)) console.log(`${cell.id}: has passed on this commit`)
    else await runCell(cell)
  }
  console.log(`\n${table(cells)}`)
  process.exitCode = chosen.every((cell) => resultOf(cell)?.failed === 0) ? 0 : 1
}
