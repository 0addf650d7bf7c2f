import type { JsonObject, JsonValue } from '../subject.js'

const secretName = /pass(?:word|phrase|wd)?$|secret|token/i

/** The minimum length of a secret that is looked for. Shorter ones also appear in texts that reveal nothing. */
const minLength = 8

/** Returns the passwords in options, found by the names of properties and in URLs. */
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
  return [...found].filter((secret) => secret.length >= minLength)
}

function passwordsOf(text: string): readonly string[] {
  if (!URL.canParse(text)) return []
  const { username, password } = new URL(text)
  // A password that equals the user's name also appears in texts that reveal nothing.
  return password === username ? [] : [password, decodeURIComponent(password)]
}
