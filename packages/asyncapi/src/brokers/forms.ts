import type { Broker, BrokerForm } from './broker.js'
import { kafkaForm } from './kafka.js'
import { rabbitmqForm } from './rabbitmq.js'
import { redisForm } from './redis.js'

/** The adapters' options `prefix`, by broker. */
export type Prefixes = { readonly [Name in Broker]?: string | undefined }

export type Forms = readonly (readonly [Broker, BrokerForm])[]

const forms: Readonly<Record<Broker, (prefix: string | undefined) => BrokerForm>> = {
  kafka: kafkaForm,
  rabbitmq: rabbitmqForm,
  redis: redisForm,
}

export const brokerNames = Object.keys(forms) as readonly Broker[]

export const formsOf = (brokers: readonly Broker[], prefixes: Prefixes): Forms =>
  brokers.map((broker) => [broker, forms[broker](prefixes[broker])])

/** Gathers the bindings of all brokers by their protocols. */
export const bindingsOf = (forms: Forms, make: (form: BrokerForm) => object | undefined): object =>
  Object.fromEntries(
    forms.flatMap(([, form]) => {
      const binding = make(form)
      return binding === undefined ? [] : [[form.protocol, binding]]
    }),
  )

/** Gathers the names at the brokers for which bindings have no place, as extensions such as `x-mq-redis`. */
export const namesOf = (
  forms: Forms,
  make: (form: BrokerForm) => Readonly<Record<string, string>> | undefined,
): object =>
  Object.fromEntries(
    forms.flatMap(([broker, form]) => {
      const names = make(form)
      return names === undefined ? [] : [[`x-mq-${broker}`, names]]
    }),
  )
