import type { Command } from 'commander'
import { resolve } from 'node:path'
import { bytes, counted, moment } from '../../kernel/amounts.ts'
import { textTable } from '../../kernel/text-table.ts'
import { inspectBundle } from '../../service/index.ts'
import type { BundleFacts } from '../../service/bundle-service.ts'
import { addIdentityOptions, addRecipientOptions, type KeyOptions, keyProviders } from '../key-options.ts'
import type { Output } from '../output.ts'
import type { GlobalOptions, RunAlone, RunCommand } from '../run-command.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'
import { transferView } from '../transfer-view.ts'

interface BundleOptions extends GlobalOptions, ScopeOptions, KeyOptions {
  readonly plain?: true
  readonly bucket?: string
  readonly verify?: true
}

export function addBundle(program: Command, run: RunCommand, alone: RunAlone): void {
  const bundle = program
    .command('bundle')
    .summary('take a snapshot along in one file, and bring it in elsewhere')
    .description('One snapshot in one file. Files are meant from the working directory, and never written over.')
  addExport(bundle, run)
  addImport(bundle, run)
  addInspect(bundle, alone)
}

function addExport(bundle: Command, run: RunCommand): void {
  const command = bundle
    .command('export')
    .summary('write a snapshot into a new file')
    .description(
      'Writes one snapshot into a new file, sealed for those who are named, or for whoever opens the bucket. It has keys of its own: nobody learns a key of the repository. What was erased, and earlier versions of rows, are not in it.',
    )
    .argument('<snapshot>', 'id of the snapshot')
    .argument('<file>', 'where')
  addScopeOption(addRecipientOptions(command))
    .option('--plain', 'let anybody read it, although the bucket is encrypted')
    .addHelpText('after', '\nExample:\n  $ holdfast bundle export 01a1fc73-6312-7000-958d-47d147b10751 shop.hfb --recipient holdfast-x25519:…')
    .action(async (id: string, file: string, _, command: Command) => {
      const { scope, plain, ...options } = command.optsWithGlobals<BundleOptions>()
      await run('bundle export', options, async ({ holdfast, output, surroundings, interrupts: { signal } }) => {
        const recipients = await keyProviders(options, surroundings)
        const to = resolve(surroundings.cwd, file)
        const { onProgress, end } = transferView(output, 'export')
        const report = await holdfast.bundles
          .export(id, { to, scope, signal, onProgress, ...(recipients ? { recipients } : {}), ...(plain ? { plain } : {}) })
          .finally(end)
        output.text(`Wrote ${counted(report.records, 'record')}, ${bytes(report.bytes)}, to ${to}\n  ${readers(report.openedBy)}\n  SHA-256 ${report.sha256}`)
        for (const { store, entity, records } of report.erased)
          output.warning(`${counted(records, 'record')} of ${store}.${entity} are not in it: they were erased`)
        return { exitCode: 0, summary: { file: to, ...report } }
      })
    })
}

function addImport(bundle: Command, run: RunCommand): void {
  const command = bundle
    .command('import')
    .summary('put the snapshot of a bundle into a bucket')
    .description(
      'Puts the snapshot of a bundle into a bucket, every byte proved, sealed with the keys of the bucket. It is visible when all of it is there, and can be restored then.',
    )
    .argument('<file>', 'the bundle')
  addScopeOption(addIdentityOptions(command))
    .option('--bucket <name>', 'where it goes (default: the bucket of its plan, or the only one)')
    .option('--plain', 'put what is sealed into a bucket that is not encrypted')
    .addHelpText('after', '\nExample:\n  $ holdfast bundle import shop.hfb --identity ~/shop.key')
    .action(async (file: string, _, command: Command) => {
      const { scope, plain, bucket, ...options } = command.optsWithGlobals<BundleOptions>()
      await run('bundle import', options, async ({ holdfast, output, surroundings, interrupts: { signal } }) => {
        const identities = await keyProviders(options, surroundings)
        const { onProgress, end } = transferView(output, 'import')
        const report = await holdfast.bundles
          .import(resolve(surroundings.cwd, file), {
            scope,
            signal,
            onProgress,
            ...(identities ? { identities } : {}),
            ...(bucket === undefined ? {} : { bucket }),
            ...(plain ? { plain } : {}),
          })
          .finally(end)
        const done = report.outcome === 'present' ? 'was there already; nothing was written' : `is in the bucket ${report.bucket}`
        output.text(`Snapshot ${report.snapshotId} of plan ${report.planId}, ${counted(report.records, 'record')}, ${done}`)
        return { exitCode: 0, summary: { ...report } }
      })
    })
}

function addInspect(bundle: Command, alone: RunAlone): void {
  const command = bundle
    .command('inspect')
    .summary('say what a bundle holds')
    .description('Says what a bundle holds; of one that is sealed, without what opens it, how large it is and who can open it. Needs no configuration.')
    .argument('<file>', 'the bundle')
  addIdentityOptions(command)
    .option('--verify', 'read all of it, and prove every line')
    .action(async (file: string, _, command: Command) => {
      const { verify = false, ...options } = command.optsWithGlobals<BundleOptions>()
      await alone('bundle inspect', async ({ output, surroundings, interrupts: { signal } }) => {
        const identities = await keyProviders(options, surroundings)
        const facts = await inspectBundle(resolve(surroundings.cwd, file), { signal, verify, ...(identities ? { identities } : {}) })
        show(output, facts)
        return { exitCode: 0, summary: { bytes: facts.bytes, objects: facts.objects, openedBy: facts.openedBy, verified: facts.verified } }
      })
    })
}

function show(output: Output, { bytes: size, objects, openedBy, snapshot, verified }: BundleFacts): void {
  output.text(`A bundle of ${bytes(size)}, ${counted(objects, 'object')}\n  ${readers(openedBy)}`)
  if (!snapshot) return output.text('  What it holds is sealed: give what opens it to see more.')
  const { entities, stores, ...facts } = snapshot
  output.record('bundle', { ...facts, stores })
  for (const entity of entities) output.record('entity', { ...entity })
  const scope = snapshot.scope === null ? '' : `, of the tenant ${JSON.stringify(snapshot.scope)}`
  output.text(`  snapshot ${snapshot.id} of plan ${snapshot.planId}${scope}, state of ${moment(snapshot.viewAt)}`)
  for (const { name, orm, dialect, database } of stores) output.text(`  store ${name}: ${orm}, ${dialect}, ${database}`)
  output.text(
    `\n${textTable(
      ['entity', 'records', 'plain'],
      entities.map(({ store, entity, records, plainBytes }) => [stores.length > 1 ? `${store}.${entity}` : entity, records, bytes(plainBytes)]),
      '  ',
    )}`,
  )
  if (verified) output.text('\nEvery line of it was proved.')
}

function readers(openedBy: BundleFacts['openedBy']): string {
  return openedBy === null ? 'anybody can read it' : `sealed for ${openedBy.map(({ kind, reference }) => `${kind} ${reference}`).join(', ')}`
}
