import { MqError } from '@mq/core'
import type { Broker } from '../brokers/broker.js'
import type { DocumentPart } from './types.js'

const schemes: Readonly<Record<string, Broker>> = {
  amqp: 'rabbitmq',
  amqps: 'rabbitmq',
  redis: 'redis',
  rediss: 'redis',
  kafka: 'kafka',
}

export interface Servers {
  readonly servers: Readonly<Record<string, DocumentPart>>
  /** The brokers that they are, each once. */
  readonly brokers: readonly Broker[]
}

/**
 * Describes servers by their URLs. User, password and parameters are left out. A URL with several hosts gives a server for each, the
 * second one as `<name>-2`. Throws `MQ_INVALID_OPTION`, which shows no URL, for one that names no server.
 */
export function describeServers(urls: Readonly<Record<string, string>>): Servers {
  const servers: Record<string, DocumentPart> = {}
  const brokers = new Set<Broker>()
  for (const [name, url] of Object.entries(urls)) {
    const [, scheme = '', hosts = '', pathname = '', search = ''] = urlParts.exec(url) ?? []
    const broker = schemes[scheme.toLowerCase()]
    if (broker === undefined || hosts === '' || !/^[\w-]+$/.test(name)) {
      const advice = `a URL of ${Object.keys(schemes).join(', ')}, under a name of letters, digits, '_' and '-'`
      throw new MqError('MQ_INVALID_OPTION', `The server '${name}' of asyncapi() needs ${advice}`)
    }
    brokers.add(broker)
    for (const [index, host] of hosts.split(',').entries()) {
      servers[index === 0 ? name : `${name}-${index + 1}`] = {
        host,
        protocol: broker === 'kafka' && isSecure(search) ? 'kafka-secure' : scheme.toLowerCase(),
        ...(pathname.length > 1 && { pathname }),
      }
    }
  }
  return { servers, brokers: [...brokers] }
}

/** Scheme, hosts behind any credentials, path and parameters. Kafka's URLs may have several hosts, which `URL` refuses. */
const urlParts = /^([a-z]+):\/\/(?:[^/?#]*@)?([^/?#@]+)(\/[^?#]*)?(?:\?([^#]*))?/i

const isSecure = (search: string): boolean => new URLSearchParams(search).get('tls') === 'true'
