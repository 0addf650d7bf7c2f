import type { MessageState } from '@mq/core'

/** The lists of a group, in the order of a message's life. */
export const listNames = ['ready', 'inFlight', 'retrying', 'delayed', 'dead'] as const

export type ListName = (typeof listNames)[number]

export const listTitles: Readonly<Record<ListName, string>> = {
  ready: 'Ready',
  inFlight: 'Running',
  retrying: 'Retrying',
  delayed: 'Delayed',
  dead: 'Dead',
}

/** Reads the name of a list, as a request has it. */
export const listNamed = (text: string | null): ListName | undefined => listNames.find((name) => name === text)

export const isState = (list: ListName): list is MessageState => list !== 'dead'
