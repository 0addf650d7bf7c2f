import { describe, expectTypeOf, it } from 'vitest'
import type { Adapter, AdapterCapabilities, Capabilities } from '../src/adapter.js'
import type { MemberKinds } from '../src/contract/checks/member-kinds.js'

interface Power {
  readonly name: string
  readonly canFly: boolean
  readonly maxMs?: number
  land?(): void
}

describe('MemberKinds', () => {
  it('asks for the type of each member, and for its mark where it is optional', () => {
    expectTypeOf<MemberKinds<Power>>().toEqualTypeOf<{
      readonly name: 'string'
      readonly canFly: 'boolean'
      readonly maxMs: 'number?'
      readonly land: 'function?'
    }>()
  })

  it('does not take a table that lacks a member, has one too many or disagrees', () => {
    const kinds = { name: 'string', canFly: 'boolean', maxMs: 'number?', land: 'function?' } as const
    expectTypeOf(kinds).toExtend<MemberKinds<Power>>()
    // @ts-expect-error: a member was forgotten
    const lacking: MemberKinds<Power> = { name: 'string', canFly: 'boolean', maxMs: 'number?' }
    // @ts-expect-error: one too many
    const more: MemberKinds<Power> = { ...kinds, swims: 'boolean' }
    // @ts-expect-error: another type
    const other: MemberKinds<Power> = { ...kinds, canFly: 'number' }
    // @ts-expect-error: it is optional
    const strict: MemberKinds<Power> = { ...kinds, maxMs: 'number' }
    return [lacking, more, other, strict]
  })

  it('would not compile for an adapter or capabilities with one member more', () => {
    expectTypeOf<MemberKinds<Adapter>>().not.toExtend<MemberKinds<Adapter & { inspect(): void }>>()
    expectTypeOf<MemberKinds<AdapterCapabilities>>().not.toExtend<
      MemberKinds<AdapterCapabilities & { readonly priorities?: boolean }>
    >()
  })
})

describe('Capabilities', () => {
  it('are never undefined for who reads them', () => {
    expectTypeOf<Capabilities>().toEqualTypeOf<Required<Capabilities>>()
    expectTypeOf<Capabilities>().toExtend<AdapterCapabilities>()
    expectTypeOf<AdapterCapabilities>().not.toExtend<Capabilities>()
  })
})
