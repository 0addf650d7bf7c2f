import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'

export interface Certificates {
  /** The authority's certificate as PEM, for `ca` of a driver's TLS options. */
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Creates an authority and a server certificate for the hosts, valid for a day. The authority's key is not kept. */
export function certificates(hosts: readonly string[]): Certificates {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = 'mq test authority'
  const names = [...new Set(['localhost', '127.0.0.1', ...hosts])]
  const ca = certificate({
    subject: issuer,
    issuer,
    publicKey: authority.publicKey,
    signingKey: authority.privateKey,
    extensions: [
      extension('551d13', { critical: true, value: sequence(der(0x01, [0xff])) }),
      // keyCertSign and cRLSign
      extension('551d0f', { critical: true, value: der(0x03, [0x01, 0x06]) }),
    ],
  })
  const cert = certificate({
    subject: 'mq test server',
    issuer,
    publicKey: server.publicKey,
    signingKey: authority.privateKey,
    extensions: [extension('551d11', { critical: false, value: sequence(...names.map(alternativeName)) })],
  })
  return { ca, cert, key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

interface CertificateParts {
  readonly subject: string
  readonly issuer: string
  readonly publicKey: KeyObject
  readonly signingKey: KeyObject
  readonly extensions: readonly Buffer[]
}

/** Writes X.509 version 3 (RFC 5280), in the few forms that a test needs. Node can sign, but not write certificates. */
function certificate(parts: CertificateParts): string {
  const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))
  const body = sequence(
    der(0xa0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    ecdsaWithSha256,
    commonName(parts.issuer),
    // Clocks of containers may differ a little from ours.
    sequence(time(Date.now() - 3_600_000), time(Date.now() + 86_400_000)),
    commonName(parts.subject),
    parts.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...parts.extensions)),
  )
  const signature = sign('sha256', body, parts.signingKey)
  const whole = sequence(body, ecdsaWithSha256, der(0x03, Buffer.concat([Buffer.of(0), signature])))
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

function der(tag: number, content: Buffer | readonly number[]): Buffer {
  const bytes = Buffer.from(content)
  const long = bytes.length.toString(16)
  const length =
    bytes.length < 0x80
      ? Buffer.of(bytes.length)
      : Buffer.concat([
          Buffer.of(0x80 + Math.ceil(long.length / 2)),
          Buffer.from(long.padStart(long.length + (long.length % 2), '0'), 'hex'),
        ])
  return Buffer.concat([Buffer.of(tag), length, bytes])
}

const sequence = (...items: readonly Buffer[]): Buffer => der(0x30, Buffer.concat(items))
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const integer = (bytes: Buffer): Buffer => der(0x02, bytes)

const commonName = (name: string): Buffer => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))))

const time = (ms: number): Buffer =>
  der(0x17, Buffer.from(`${new Date(ms).toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`))

const alternativeName = (host: string): Buffer =>
  isIPv4(host) ? der(0x87, host.split('.').map(Number)) : der(0x82, Buffer.from(host))

function extension(id: string, { critical, value }: { critical: boolean; value: Buffer }): Buffer {
  return sequence(oid(id), ...(critical ? [der(0x01, [0xff])] : []), der(0x04, value))
}
