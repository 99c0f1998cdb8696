import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { BlobServiceClient } from '@azure/storage-blob'
import { memoryStorage } from 'holdfast/memory'
import { limitStorage } from 'holdfast/storage'
import { provideAzurite } from '../test/support/provide-azurite.ts'
import { hasRgw, startRgw } from '../test/support/rgw-server.ts'
import type { ExportPlace } from './lanes/export-to.ts'
import { median } from './median.ts'
import { type Measured, runLane } from './run-lane.ts'

/** Places to export to, each against plain files. */
interface Place {
  readonly name: string
  /** Share of the time to plain files, at most. */
  readonly atMost: number
  readonly place: () => Promise<ExportPlace>
}

/** The same export to plain files, to encrypted ones, and to servers of two clouds on the loopback; and how well a limit is held. */
export async function benchStorages(url: string, runs: number, out: string): Promise<void> {
  const stops: (() => Promise<void>)[] = []
  try {
    const places: Place[] = [{ name: 'encrypted files', atMost: 1.15, place: async () => ({ encrypted: true }) }]
    const azurite = await provideAzurite()
    if (typeof azurite === 'string') console.log(`  Azurite was not measured: ${azurite}`)
    else {
      stops.push(azurite.stop)
      places.push({ name: 'Azurite, in memory', atMost: 1.3, place: () => container(azurite.url) })
    }
    if (hasRgw) {
      const rgw = await startRgw()
      stops.push(rgw.stop)
      places.push({ name: 'Ceph RGW, in memory', atMost: 1.3, place: () => bucket(rgw) })
    } else console.log("  Ceph RGW was not measured: Debian's packages ceph-mon, ceph-osd and radosgw are not installed")
    await compare(places, { url, runs, out })
  } finally {
    for (const stop of stops) await stop()
  }
  await benchLimit()
}

async function compare(places: readonly Place[], { url, runs, out }: { readonly url: string; readonly runs: number; readonly out: string }): Promise<void> {
  const target = `${out}/storages`
  const take = async (place: ExportPlace): Promise<Measured> => {
    await rm(target, { recursive: true, force: true })
    return runLane('export-to', [url, target, JSON.stringify(place)])
  }
  const plain: Measured[] = []
  const others = places.map((): Measured[] => [])
  for (let run = 0; run <= runs; run++) {
    const own = await take({})
    const found: Measured[] = []
    for (const { place } of places) found.push(await take(await place()))
    if (run === 0) continue // warms caches
    plain.push(own)
    for (const [at, measured] of found.entries()) others[at]!.push(measured)
  }
  const told = (name: string, measured: readonly Measured[], more = '') =>
    `  ${name.padEnd(30)} ${median(measured.map(({ seconds }) => seconds))
      .toFixed(2)
      .padStart(7)} s   CPU ${median(measured.map(({ cpuSeconds = 0 }) => cpuSeconds)).toFixed(1)} s${more}`
  console.log('the same export to other places')
  console.log(told('plain files', plain))
  for (const [at, { name, atMost }] of places.entries()) {
    const share = median(others[at]!.map(({ seconds }) => seconds)) / median(plain.map(({ seconds }) => seconds))
    console.log(
      told(
        name,
        others[at]!,
        `   ${((share - 1) * 100).toFixed(0)} % more time (wanted at most ${Math.round((atMost - 1) * 100)} %)${share > atMost ? '  MISSED' : ''}`,
      ),
    )
  }
  await rm(target, { recursive: true, force: true })
}

async function container(connectionString: string): Promise<ExportPlace> {
  const name = `bench-${randomUUID()}`
  await BlobServiceClient.fromConnectionString(connectionString).createContainer(name)
  return { azure: { connectionString, container: name } }
}

async function bucket({
  endpoint,
  accessKeyId,
  secretAccessKey,
}: {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}): Promise<ExportPlace> {
  const name = `bench-${randomUUID()}`
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: name }))
  client.destroy()
  return { s3: { bucket: name, endpoint, credentials } }
}

const MIB = 1024 * 1024
const LIMIT = 50 * MIB
/** Puts before the rate is looked at: the limit lets one second's worth go at once. */
const WARM_UP = 60
const PUTS = 360

async function benchLimit(): Promise<void> {
  const storage = limitStorage(memoryStorage(), { uploadBytesPerSecond: LIMIT })
  const body = new Uint8Array(MIB)
  let started = 0
  for (let put = 0; put < PUTS; put++) {
    if (put === WARM_UP) started = performance.now()
    await storage.put(`o/${put}`, body, { ifAbsent: true })
    await storage.delete([`o/${put}`])
  }
  const rate = ((PUTS - WARM_UP) * MIB) / ((performance.now() - started) / 1000)
  const off = rate / LIMIT - 1
  console.log(
    `  ${'limit of 50 MiB/s'.padEnd(30)} ${(rate / MIB).toFixed(1).padStart(7)} MiB/s, ${(off * 100).toFixed(1)} % off (wanted at most 5 %)${Math.abs(off) > 0.05 ? '  MISSED' : ''}`,
  )
  await storage.close()
  console.log()
}
