import common from '@nestjs/common/package.json' with { type: 'json' }
import core from '@nestjs/core/package.json' with { type: 'json' }
import { expect, inject, it } from 'vitest'

it('tests run on the version of Nest that their project is for', () => {
  const major = `${inject('nest')}.`
  expect([common.version, core.version]).toEqual([expect.stringContaining(major), expect.stringContaining(major)])
  expect(core.version.startsWith(major)).toBe(true)
})
