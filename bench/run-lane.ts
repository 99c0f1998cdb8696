import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { LaneOutput } from './lanes/lane.ts'

export interface Measured {
  readonly seconds: number
  readonly rows?: number
  readonly cpuSeconds?: number
  readonly baseMiB?: number
  readonly peakAboveMiB?: number
}

/** Runs `bench/lanes/<name>.ts` in a fresh process. */
export async function runLane(name: string, args: readonly string[]): Promise<Measured & LaneOutput> {
  const script = fileURLToPath(new URL(`lanes/${name}.ts`, import.meta.url))
  const stdout = await run(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args])
  const output = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as LaneOutput
  return { ...output, rows: output.facts.rows }
}

/** Runs a shell line and times it from start to end. */
export async function runShell(line: string): Promise<Measured> {
  const started = performance.now()
  await run('bash', ['-o', 'pipefail', '-c', line])
  return { seconds: (performance.now() - started) / 1000 }
}

async function run(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`)
  return stdout
}
