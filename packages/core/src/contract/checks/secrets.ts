/** The longest text that is searched for passwords. What follows is cut off. */
const maxSearched = 16_384

/** The credentials of a URL. Paths of modules hold an `@` as well, but no credentials. */
const credentials = /\b((?!file:|node:|webpack|https?:)[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"'`<>]{0,2048}@/gi
const webCredentials = /\b(https?:\/\/)[^\s"'`<>/?#]{0,2048}@/gi
const named =
  /(pass(?:word|wd|phrase)|pwd|secret)(\\?["'`]?\s{0,4}[:=]\s{0,4})(\\?"(?:[^"\\]|\\[^"]){0,2048}\\?"?|'[^'\n]{0,2048}'?|[^\s,;&"'`)}\]]{1,2048})/gi
const authorization = /\b(basic|bearer)\s+[\w.~+/=-]{8,2048}/gi

/**
 * Replaces by `...` what is a password in a text of somebody else: the credentials of a URL, the value after a name such as `password=`,
 * and the token of an `Authorization` header.
 */
export const withoutSecrets = (text: string): string => {
  const searched = text.length > maxSearched ? text.slice(0, maxSearched) : text
  return searched
    .replace(credentials, '$1...@')
    .replace(webCredentials, '$1...@')
    .replace(named, '$1$2...')
    .replace(authorization, '$1 ...')
}
