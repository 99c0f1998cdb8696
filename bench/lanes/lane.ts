/** What a lane is told. */
export interface LaneInput {
  /** Database to read from, or to restore into. */
  readonly url: string
  /** Folder or file stem for what is written, or that holds what is restored. */
  readonly out: string
  /** Restore: the database that the rows came from. */
  readonly source: string
}

export interface Lane {
  /** The measured part: what a running application waits for. */
  run(): Promise<{ readonly rows: number } & Record<string, unknown>>
  close(): Promise<unknown>
}

export interface LaneOutput {
  readonly seconds: number
  readonly cpuSeconds: number
  /** Resident memory once the ORM is up, and the peak above it, in MiB. */
  readonly baseMiB: number
  readonly peakAboveMiB: number
  readonly facts: { readonly rows: number } & Record<string, unknown>
}

/** Runs one lane in a process of its own: sets up, measures the work, prints the figures as the last line of stdout. */
export async function lane(open: (input: LaneInput) => Promise<Lane>): Promise<void> {
  const [url = '', out = '', source = ''] = process.argv.slice(2)
  const { run, close } = await open({ url, out, source })
  const baseMiB = process.memoryUsage.rss() / 1024 / 1024
  const cpu = process.cpuUsage()
  const started = performance.now()
  const facts = await run()
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  // The kernel's own count, which misses nothing between two samples and costs nothing while the work runs.
  const peak = process.resourceUsage().maxRSS / 1024
  await close()
  const output: LaneOutput = { seconds, cpuSeconds: (user + system) / 1e6, baseMiB, peakAboveMiB: peak - baseMiB, facts }
  console.log(JSON.stringify(output))
}
