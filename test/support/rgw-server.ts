import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync, copyFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from './provide-postgres.ts'

const run = promisify(execFile)
const BINARIES = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'ceph-authtool', 'monmaptool', 'ceph'].map((name) => `/usr/bin/${name}`)
const CLASSES = '/usr/lib/x86_64-linux-gnu/rados-classes'
const START_MS = 60_000

/** Debian's `ceph-mon`, `ceph-osd` and `radosgw` are installed. */
export const hasRgw = [...BINARIES, CLASSES].every((path) => existsSync(path))

export interface RgwServer {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  stop(): Promise<void>
}

/** Ceph with its S3 gateway on one node, which keeps its objects in memory; all its files lie in a temporary folder. */
export async function startRgw(): Promise<RgwServer> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-rgw-'))
  const at = (name: string): string => join(folder, name)
  for (const name of ['mon', 'osd', 'rgw', 'run', 'log']) mkdirSync(at(name))
  const [port, v2, v1] = [await freePort(), await freePort(), await freePort()]
  const fsid = crypto.randomUUID()
  const conf = at('ceph.conf')
  const keyring = at('keyring')
  const monitors = `[v2:127.0.0.1:${v2},v1:127.0.0.1:${v1}]`
  writeFileSync(conf, configuration(folder, fsid, monitors, port))
  const daemons: ChildProcess[] = []
  const start = (command: string, args: readonly string[]): void => {
    daemons.push(spawn(command, ['-f', '-c', conf, ...args], { stdio: 'ignore' }))
  }
  const ask = async (command: string, ...args: string[]): Promise<string> => (await run(command, ['-c', conf, ...args], { timeout: START_MS })).stdout.trim()
  const stop = async (): Promise<void> => {
    for (const daemon of daemons.toReversed()) {
      if (daemon.exitCode !== null || daemon.signalCode !== null) continue
      const ended = new Promise((resolve) => daemon.once('exit', resolve))
      daemon.kill('SIGKILL') // nothing of it is to be kept
      await ended
    }
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await run('ceph-authtool', ['--create-keyring', keyring, '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *'])
    const all = ['--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *', '--cap', 'mgr', 'allow *']
    for (const name of ['client.admin', 'client.rgw']) await run('ceph-authtool', [keyring, '--gen-key', '-n', name, ...all])
    copyFileSync(keyring, at('rgw/keyring'))
    await run('monmaptool', ['--create', '--addv', 'a', monitors, '--fsid', fsid, at('monmap')])
    await ask('ceph-mon', '--mkfs', '-i', 'a', '--monmap', at('monmap'), '--keyring', keyring, '--mon-data', at('mon'))
    start('ceph-mon', ['-i', 'a', '--mon-data', at('mon')])
    const osd = await ask('ceph', 'osd', 'create')
    await run('ceph-authtool', ['--create-keyring', at('osd/keyring'), '--gen-key', '-n', `osd.${osd}`])
    await ask('ceph', 'auth', 'add', `osd.${osd}`, 'osd', 'allow *', 'mon', 'allow profile osd', 'mgr', 'allow profile osd', '-i', at('osd/keyring'))
    await ask('ceph-osd', '-i', osd, '--mkfs', '--osd-data', at('osd'), '--keyring', at('osd/keyring'))
    start('ceph-osd', ['-i', osd, '--osd-data', at('osd'), '--keyring', at('osd/keyring')])
    start('radosgw', ['-n', 'client.rgw', '--keyring', keyring])
    const endpoint = `http://127.0.0.1:${port}`
    await untilAnswers(endpoint, daemons)
    const keys = { accessKeyId: 'holdfast', secretAccessKey: 'only-for-tests' }
    await ask(
      'radosgw-admin',
      'user',
      'create',
      '--uid=holdfast',
      '--display-name=holdfast',
      `--access-key=${keys.accessKeyId}`,
      `--secret-key=${keys.secretAccessKey}`,
    )
    return { endpoint, ...keys, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function untilAnswers(endpoint: string, daemons: readonly ChildProcess[]): Promise<void> {
  const end = Date.now() + START_MS
  for (;;) {
    const answer = await fetch(endpoint).catch(() => null)
    if (answer?.ok) return
    const ended = daemons.find(({ exitCode }) => exitCode !== null)
    if (ended || Date.now() > end) throw new Error(`radosgw does not answer${ended ? `; ${ended.spawnfile} ended with ${ended.exitCode}` : ''}`)
    await delay(100)
  }
}

function configuration(folder: string, fsid: string, monitors: string, port: number): string {
  const at = (name: string): string => join(folder, name)
  return `[global]
fsid = ${fsid}
mon host = ${monitors}
public network = 127.0.0.0/8
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
mon warn on pool no redundancy = false
osd crush chooseleaf type = 0
osd pool default pg num = 8
osd pool default pg autoscale mode = off
mon max pg per osd = 2000
osd objectstore = memstore
memstore device bytes = ${2 * 1024 ** 3}
osd class dir = ${CLASSES}
osd class load list = *
osd class default list = *
run dir = ${at('run')}
admin socket = ${at('run')}/$name.asok
log file = ${at('log')}/$name.log
pid file = ${at('run')}/$name.pid
mon data = ${at('mon')}
osd data = ${at('osd')}
keyring = ${at('keyring')}
[client.rgw]
rgw data = ${at('rgw')}
rgw frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw enable usage log = false
rgw thread pool size = 32
debug rgw = 1
`
}
