import { describe, expect, it } from 'vitest'
import { isTlsFault } from '../../src/adapter-kit/tls-faults.js'

const withCode = (code: unknown, options?: ErrorOptions): Error =>
  Object.assign(new Error('it failed', options), { code })

/** All that Node's page on TLS lists, but `OUT_OF_MEM`. */
const certificateCodes = [
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_CRL',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'CERT_SIGNATURE_FAILURE',
  'CRL_SIGNATURE_FAILURE',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'CRL_NOT_YET_VALID',
  'CRL_HAS_EXPIRED',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'ERROR_IN_CRL_LAST_UPDATE_FIELD',
  'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_CHAIN_TOO_LONG',
  'CERT_REVOKED',
  'INVALID_CA',
  'PATH_LENGTH_EXCEEDED',
  'INVALID_PURPOSE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'HOSTNAME_MISMATCH',
]

const otherCodes = [
  'UNSPECIFIED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_TLS_CERT_ALTNAME_FORMAT',
  'ERR_TLS_HANDSHAKE_TIMEOUT',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  'ERR_OSSL_UNSUPPORTED',
  'ERR_OSSL_PEM_NO_START_LINE',
  'EPROTO',
]

describe('an error of TLS', () => {
  it.each([...certificateCodes, ...otherCodes])('is one with the code %s', (code) => {
    expect(isTlsFault(withCode(code))).toBe(true)
  })

  it('is one whose cause is one, however the driver has wrapped it', () => {
    expect(isTlsFault(new Error('outer', { cause: new Error('inner', { cause: withCode('CERT_HAS_EXPIRED') }) }))).toBe(
      true,
    )
    expect(isTlsFault(withCode('ECONNRESET', { cause: { code: 'EPROTO' } }))).toBe(true)
  })

  it.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'ETIMEDOUT',
    'ENOTFOUND',
    'EPROTONOSUPPORT',
    'OUT_OF_MEM',
    'ERR_SOCKET_CLOSED',
    'ERR_INVALID_ARG_TYPE',
    'MY_CERT_IS_FINE',
    '',
    403,
    undefined,
  ])('is none with the code %s', (code) => {
    expect(isTlsFault(withCode(code))).toBe(false)
  })

  it('is nothing that is no error, and no circle of causes', () => {
    const circle: { cause?: unknown } = {}
    circle.cause = circle
    for (const thrown of [undefined, null, 'EPROTO', 7, {}, circle]) expect(isTlsFault(thrown)).toBe(false)
  })
})
