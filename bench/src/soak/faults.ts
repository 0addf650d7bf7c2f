import { setTimeout as sleep } from 'node:timers/promises'
import type { BrokerProxy, Server } from '@mq/test-brokers'

/** The parts that faults are injected into. */
export interface Victims {
  readonly server: Server
  readonly link: BrokerProxy
  /** Ends the second consumer with SIGKILL and starts another one. */
  replaceWorker(): Promise<void>
}

type Random = () => number

const between = (random: Random, min: number, max: number): number => min + random() * (max - min)

/** Each fault ends by itself and leaves the link intact. */
const faults: Readonly<Record<string, (victims: Victims, random: Random) => Promise<void>>> = {
  cut: ({ link }) => link.cut(),
  async 'cut three times'({ link }) {
    for (let count = 0; count < 3; count++) {
      await link.cut()
      await sleep(300)
    }
  },
  async refuse({ link }, random) {
    await link.refuse()
    await link.cut()
    await sleep(between(random, 500, 4_000))
    await link.heal()
  },
  async freeze({ link }, random) {
    const direction = (['in', 'out', 'both'] as const)[Math.floor(random() * 3)] ?? 'both'
    await link.freeze(direction)
    await sleep(between(random, 500, 8_000))
    await link.heal()
  },
  async slow({ link }, random) {
    await link.slow(50_000)
    await sleep(between(random, 1_000, 4_000))
    await link.heal()
  },
  async 'lose an answer'({ link }) {
    await link.dropAfter(0, 'out')
    await sleep(1_000)
    await link.heal()
  },
  async 'kill the broker'({ server }, random) {
    await server.kill()
    await sleep(between(random, 0, 2_000))
    await server.restart()
  },
  'kill a consumer': ({ replaceWorker }) => replaceWorker(),
}

/** Injects a random fault. Resolves to its name once it is over. */
export async function injectFault(victims: Victims, random: Random): Promise<string> {
  const names = Object.keys(faults)
  const name = names[Math.floor(random() * names.length)] ?? 'cut'
  await faults[name]?.(victims, random)
  return name
}
