import type { Mutant } from './mutant.js'

export interface Source {
  readonly path: string
  readonly text: string
}

/** Returns the one source that contains the fragment of the mutant, with the fault in it. Throws if the fragment does not occur once. */
export function plant(
  sources: readonly Source[],
  { id, find, replace }: Pick<Mutant, 'id' | 'find' | 'replace'>,
): Source {
  const fragment = pack(find).text
  if (fragment === '') throw new Error(`${id}: find is empty`)
  const places = sources.flatMap((source) => placesOf(source, fragment))
  const [place, ...others] = places
  if (place === undefined) throw new Error(`${id}: no source contains: ${find.trim()}`)
  if (others.length > 0) {
    const paths = places.map(({ source }) => source.path).join(', ')
    throw new Error(`${id}: the fragment occurs ${places.length} times, in ${paths}: ${find.trim()}`)
  }
  const { source, start, end } = place
  return { path: source.path, text: source.text.slice(0, start) + replace + source.text.slice(end) }
}

function placesOf(source: Source, fragment: string) {
  const { text, indexes } = pack(source.text)
  const places: { readonly source: Source; readonly start: number; readonly end: number }[] = []
  for (let at = text.indexOf(fragment); at !== -1; at = text.indexOf(fragment, at + 1)) {
    const last = indexes[at + fragment.length - 1] as number
    places.push({ source, start: indexes[at] as number, end: last + 1 })
  }
  return places
}

/** Leaves out what a formatter may change: white space, and a comma before a closing bracket. Keeps the index of each character. */
function pack(source: string): { readonly text: string; readonly indexes: readonly number[] } {
  const indexes: number[] = []
  let text = ''
  for (const { 0: character, index } of source.matchAll(/\S/g)) {
    if (character === ',' && /^\s*[)\]}]/.test(source.slice(index + 1, index + 200))) continue
    text += character
    indexes.push(index)
  }
  return { text, indexes }
}
