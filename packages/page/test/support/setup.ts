import { chromium } from '@mq/test-brokers'

/** Installs the browser before the time of any test counts. If that fails, the tests that need it fail by themselves, and say why. */
export default async function setup(): Promise<void> {
  await chromium().catch(() => {})
}
