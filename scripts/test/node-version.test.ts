import { describe, expect, it } from 'vitest'
import { nodeProblem } from '../lib/node-version.mjs'

describe('the Node that runs the scripts', () => {
  it.each(['20.19.0', '20.20.2', '22.0.0', '24.11.1'])('may be %s', (version) => {
    expect(nodeProblem(version)).toBeUndefined()
  })

  it.each(['18.20.8', '20.18.3', '14.21.3'])('is refused as too old: %s', (version) => {
    expect(nodeProblem(version)).toContain(`needs Node 20.19 or later; this is Node ${version}`)
  })
})
