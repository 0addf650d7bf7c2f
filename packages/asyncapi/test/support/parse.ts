import { Parser } from '@asyncapi/parser'
import { expect } from 'vitest'
import { type AsyncapiDocument, documentText } from '../../src/index.js'

const parser = new Parser()

/** Expects that the official parser finds nothing wrong with a document. That there is a newer version of AsyncAPI is nothing wrong. */
export async function expectValid(document: AsyncapiDocument, format: 'json' | 'yaml' = 'json'): Promise<void> {
  const { diagnostics } = await parser.parse(documentText(document, format))
  const found = diagnostics.filter(({ code }) => code !== 'asyncapi-latest-version')
  expect(found.map(({ code, message, path }) => ({ code, message, path }))).toEqual([])
}
