/**
 * The codes of errors that say that TLS did not come up, as Node lists them under "X509 certificate error codes" and gives them to
 * errors of OpenSSL. `OUT_OF_MEM` is left out: it says nothing about TLS. `UNSPECIFIED` is Node's code for each check of a
 * certificate that has no code of its own, and `EPROTO` its code for a handshake that the other side refused.
 */
const tlsCodes = new RegExp(
  `^(?:${[
    'ERR_(?:TLS|SSL|OSSL)_.*',
    '(?:CERT|CRL)_.*',
    'ERROR_IN_(?:CERT|CRL)_.*',
    'UNABLE_TO_(?:GET|DECRYPT|DECODE|VERIFY)_.*',
    '(?:DEPTH_ZERO_)?SELF_SIGNED_CERT.*',
    'HOSTNAME_MISMATCH',
    'INVALID_(?:CA|PURPOSE)',
    'PATH_LENGTH_EXCEEDED',
    'UNSPECIFIED',
    'EPROTO',
  ].join('|')})$`,
)

/** How far a chain of causes is followed. It may be a circle. */
const maxDepth = 8

/** Says whether an error, or one of its causes, means that TLS did not come up: a certificate, a protocol version, a key. */
export function isTlsFault(error: unknown): boolean {
  let at = error
  for (let depth = 0; depth < maxDepth && typeof at === 'object' && at !== null; depth++) {
    const { code, cause } = at as { readonly code?: unknown; readonly cause?: unknown }
    if (typeof code === 'string' && tlsCodes.test(code)) return true
    at = cause
  }
  return false
}
