import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { ProvidedServer } from './provide-postgres.ts'

const ACCOUNT = 'devstoreaccount1'
/** Published by Microsoft: every emulator has it. */
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='
const STANDARD_PORT = 10_000
const OPTIONS = ['--blobHost', '127.0.0.1', '--blobPort', '0', '--inMemoryPersistence', '--skipApiVersionCheck', '--disableTelemetry', '--silent']

/**
 * A blob service; `url` is its connection string: that in HOLDFAST_TEST_AZURE (an account of its own: containers are made and deleted), else an Azurite on the standard
 * port, else Azurite of the package `azurite`, in memory. The reason as a string when there is none.
 */
export async function provideAzurite(): Promise<ProvidedServer | string> {
  const absent = ['@azure/storage-blob', 'azurite/package.json'].find((name) => !isInstalled(name))
  if (absent !== undefined) return `${absent} is not installed: npm ci`
  const given = process.env.HOLDFAST_TEST_AZURE
  if (given) return { url: given, how: 'HOLDFAST_TEST_AZURE', stop: async () => {} }
  if (await answers(STANDARD_PORT)) return { url: connectionString(STANDARD_PORT), how: `the server on 127.0.0.1:${STANDARD_PORT}`, stop: async () => {} }
  return startPackage()
}

async function startPackage(): Promise<ProvidedServer> {
  const manifest = createRequire(import.meta.url).resolve('azurite/package.json')
  const child = spawn(process.execPath, [join(dirname(manifest), 'dist/src/blob/main.js'), ...OPTIONS], { stdio: ['ignore', 'pipe', 'pipe'] })
  const port = await new Promise<number>((resolve, reject) => {
    let said = ''
    const listen = (chunk: unknown): void => {
      said += String(chunk)
      const found = /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1]
      if (found !== undefined) resolve(Number(found))
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`azurite ended with ${code}: ${said}`)))
  })
  return {
    url: connectionString(port),
    how: 'the azurite package',
    stop: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await gone
    },
  }
}

function connectionString(port: number): string {
  return `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${KEY};BlobEndpoint=http://127.0.0.1:${port}/${ACCOUNT};`
}

async function answers(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/${ACCOUNT}?comp=list`).catch(() => null)
  return answer?.headers.get('server')?.startsWith('Azurite') ?? false
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name)
    return true
  } catch {
    return false
  }
}
