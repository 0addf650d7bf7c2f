import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from '../run/lock.js'
import { cacheFolder } from './cache.js'
import { findProgram, installRefusal, mayInstall, run, say } from './find.js'
import { kafkaArchive } from './kafka-archive.js'

/** The minimum version of Java for Kafka 4. */
const minJava = 17

/** The newest version that this project was tested with. */
export const defaultKafkaVersion = '4.4.0'

export interface NativeKafka {
  readonly java: string
  /** The folder with Kafka's jars. */
  readonly jars: string
  /** A class data archive with which it starts sooner. */
  readonly archive: string | undefined
}

/** Returns Kafka's jars and their dependencies. Downloads them from Maven once and keeps them in the cache folder. */
export async function nativeKafka(version: string): Promise<NativeKafka> {
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new TypeError(`'${version}' is not a Kafka version such as 4.4.0`)
  const { java, javaVersion } = findJava()
  const jars = join(cacheFolder(), `kafka-${version}`)
  if (!existsSync(jars)) await install(version, jars)
  // Older ones need another server beside them, and no test starts them often.
  const archive = isBefore(version, 4) ? undefined : await kafkaArchive({ java, javaVersion, jars })
  return { java, jars, archive }
}

const isBefore = (version: string, major: number): boolean => Number(version.split('.')[0]) < major

async function install(version: string, jars: string): Promise<void> {
  if (!mayInstall()) throw new Error(`${jars} does not exist, and ${installRefusal}`)
  const maven = findProgram('mvn')
  if (maven === undefined) throw new Error('no Maven (`mvn`) on the PATH')
  mkdirSync(cacheFolder(), { recursive: true })
  await withLock(`${jars}.lock`, { what: 'another process to download Kafka', timeoutMs: 900_000 }, async () => {
    if (!existsSync(jars)) await download({ maven, version, jars })
  })
}

async function download({ maven, version, jars }: { maven: string; version: string; jars: string }): Promise<void> {
  const startedAt = Date.now()
  say(`downloading Kafka ${version} with Maven to ${jars} (once, about 45 MB)`)
  const work = mkdtempSync(`${jars}.part.`)
  try {
    writeFileSync(join(work, 'pom.xml'), pom(version))
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(work, 'jars')}`]
    await run(maven, ['-q', '-B', '-f', join(work, 'pom.xml'), ...goal], { cwd: work })
    // The folder is renamed when it is complete, so a folder of that name is always whole.
    renameSync(join(work, 'jars'), jars)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  say(`downloaded Kafka ${version} in ${Math.round((Date.now() - startedAt) / 1_000)} s`)
}

function pom(version: string): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>test-brokers</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${version}</version>
    </dependency>
    <!-- Without a binding Kafka would not say why it does not start. -->
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
`
}

function findJava(): { readonly java: string; readonly javaVersion: string } {
  const home = process.env.JAVA_HOME
  const java = findProgram('java', home === undefined ? [] : [join(home, 'bin')])
  if (java === undefined) throw new Error('no Java (`java`) on the PATH or in JAVA_HOME')
  const javaVersion = execFileSync(java, ['--version'], { encoding: 'utf8' })
  const [version = ''] = javaVersion.split('\n')
  const major = Number(/ (\d+)/.exec(version)?.[1])
  if (!(major >= minJava)) throw new Error(`${java} is '${version}', and Kafka 4 needs Java ${minJava} or newer`)
  return { java, javaVersion }
}
