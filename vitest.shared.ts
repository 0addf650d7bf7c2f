import { fileURLToPath } from 'node:url'
import type { ViteUserConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** What every package's tests share: they run against the sources, so that no build stands between an edit and its test. */
export const shared: ViteUserConfig = {
  resolve: {
    alias: {
      // The longer name first: an alias also stands for what begins with it.
      '@mq/asyncapi': source('packages/asyncapi/src/index.ts'),
      '@mq/core/adapter': source('packages/core/src/adapter.ts'),
      '@mq/core/conformance': source('packages/core/src/conformance/index.ts'),
      '@mq/core': source('packages/core/src/index.ts'),
      '@mq/kafka': source('packages/kafka/src/index.ts'),
      '@mq/memory/testing': source('packages/memory/src/testing/index.ts'),
      '@mq/memory': source('packages/memory/src/index.ts'),
      '@mq/nestjs': source('packages/nestjs/src/index.ts'),
      '@mq/opentelemetry': source('packages/opentelemetry/src/index.ts'),
      '@mq/page': source('packages/page/src/index.ts'),
      '@mq/postgres': source('packages/postgres/src/index.ts'),
      '@mq/rabbitmq': source('packages/rabbitmq/src/index.ts'),
      '@mq/redis': source('packages/redis/src/index.ts'),
      '@mq/test-brokers': source('packages/test-brokers/src/index.ts'),
    },
  },
  test: {
    include: ['test/**/*.test.ts'],
    // To load the sources anew for each file costs more processor time than most files take.
    isolate: false,
    restoreMocks: true,
    unstubEnvs: true,
    retry: 0,
    testTimeout: 10_000,
    hookTimeout: 60_000,
  },
}
