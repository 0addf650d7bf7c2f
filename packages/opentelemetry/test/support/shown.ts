import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

const read = (path: string): string =>
  readFileSync(new URL(`../../../../docs/operating/${path}`, import.meta.url), 'utf8')

/** The rules as we ship them. */
export const rulesText = read('telemetry/prometheus-rules.yaml')

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
}

export const rulesIn = (text: string): readonly Rule[] =>
  (parse(text) as { groups: readonly { rules: readonly Rule[] }[] }).groups.flatMap(({ rules }) => rules)

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[]
}

/** The queries of the dashboard as we ship it, with the panel that each is of. */
export const dashboardQueries = (JSON.parse(read('telemetry/grafana-dashboard.json')) as Dashboard).panels.flatMap(
  ({ title, targets }) => targets.map(({ expr }) => ({ of: title, expression: expr })),
)

/** A trigger of KEDA. Its metadata may hold nothing but text. */
export interface Trigger {
  readonly type: string
  readonly metadata: Readonly<Record<string, string>>
}

interface ScaledObject {
  readonly spec: { readonly triggers: readonly Trigger[] }
}

/** The triggers on the page about scaling, in its order. */
export const triggers: readonly Trigger[] = [...read('scaling.md').matchAll(/```yaml\n(.*?)```/gs)]
  .map(([, text = '']) => parse(text) as Trigger | ScaledObject)
  .flatMap((block) => ('spec' in block ? block.spec.triggers : [block]))

export function triggerOf(type: string): Trigger {
  const found = triggers.filter((trigger) => trigger.type === type)
  if (found.length === 1) return found[0] as Trigger
  throw new Error(`${found.length} recipes of the type ${type}`)
}
