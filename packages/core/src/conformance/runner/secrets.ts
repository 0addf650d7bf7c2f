import type { JsonObject, JsonValue } from '../subject.js'

const secretName = /pass(?:word|phrase|wd)?$|secret|token/i

/** Shorter ones, and those that are the name of their user too, are found in texts where nobody has given them away. */
const shortest = 8

/** The passwords that options hold, by the names of their properties and in URLs. */
export function secretsIn(options: JsonObject): readonly string[] {
  const found = new Set<string>()
  const look = (name: string, value: JsonValue | undefined): void => {
    if (typeof value === 'object' && value !== null) {
      for (const [property, item] of Object.entries(value)) look(property, item)
    } else if (typeof value === 'string') {
      for (const secret of secretName.test(name) ? [value] : passwordsOf(value)) found.add(secret)
    }
  }
  look('', options)
  return [...found].filter((secret) => secret.length >= shortest)
}

function passwordsOf(text: string): readonly string[] {
  if (!URL.canParse(text)) return []
  const { username, password } = new URL(text)
  return password === username ? [] : [password, decodeURIComponent(password)]
}
