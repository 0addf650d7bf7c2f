// The index of the package has parts that only tests can load.
import { prometheusPrograms } from '../../../test-brokers/src/install/prometheus.js'

/** Fetches Prometheus before the time of any test counts. If that fails, the tests that need it fail by themselves, and say why. */
export default async function setup(): Promise<void> {
  await prometheusPrograms().catch(() => {})
}
