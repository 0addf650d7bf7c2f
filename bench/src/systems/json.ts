import type { Body } from '../system.js'

export const encode = (body: Body): Buffer => Buffer.from(JSON.stringify(body))

export const decode = (bytes: Buffer): Body => JSON.parse(bytes.toString())
