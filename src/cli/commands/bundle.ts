import { type Command, Option } from 'commander'
import { resolve } from 'node:path'
import { bytes, counted, moment } from '../../kernel/amounts.ts'
import type { ErasedCount } from '../../erasure/index.ts'
import { textTable } from '../../kernel/text-table.ts'
import { inspectBundle } from '../../service/index.ts'
import { HoldfastError } from '../../kernel/errors.ts'
import type { BundleFacts, RecordsFormat } from '../../service/bundle-service.ts'
import { addIdentityOptions, addRecipientOptions, type KeyOptions, keyProviders } from '../key-options.ts'
import { collected } from '../option-values.ts'
import type { Output } from '../output.ts'
import type { GlobalOptions, RunAlone, RunCommand } from '../run-command.ts'
import { addScopeOption } from '../scope-option.ts'
import { transferView } from '../transfer-view.ts'
import { addOfPlan, WHICH_SNAPSHOT, whichSnapshot, type WhichOptions } from '../which-snapshot.ts'

type Format = 'holdfast' | RecordsFormat

interface BundleOptions extends GlobalOptions, WhichOptions, KeyOptions {
  readonly format: Format
  readonly entity?: readonly string[]
  readonly revealSensitive?: true
  readonly mask?: true
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
    .argument('<snapshot>', WHICH_SNAPSHOT)
    .argument('<file>', 'where; with --format csv of all entities a folder')
    .addOption(
      new Option(
        '--format <format>',
        'holdfast: a bundle; ndjson: a line a record; csv: a file an entity; sql: INSERT statements for the database that it is from',
      )
        .choices(['holdfast', 'ndjson', 'csv', 'sql'] satisfies Format[])
        .default('holdfast'),
    )
    .option('--entity <name>', 'of text formats: only this one; may be given several times', collected)
    .option('--reveal-sensitive', 'of text formats: give the values of sensitive fields, too')
    .option('--mask', 'of text formats: replace sensitive values, as the configuration says')
  addOfPlan(addScopeOption(addRecipientOptions(command)))
    .option('--plain', 'let anybody read it, although the bucket is encrypted')
    .addHelpText(
      'after',
      `
Examples:
  $ holdfast bundle export 01a1fc73-6312-7000-958d-47d147b10751 shop.hfb --recipient holdfast-x25519:…
  $ holdfast bundle export 01a1fc73-6312-7000-958d-47d147b10751 orders.csv --format csv --entity Order`,
    )
    .action(async (told: string, file: string, _, command: Command) => {
      const { scope, plain, format, entity, revealSensitive, mask, ...options } = command.optsWithGlobals<BundleOptions>()
      await run('bundle export', options, async (context) => {
        const { holdfast, output, surroundings, interrupts } = context
        const { signal } = interrupts
        const id = await whichSnapshot(told, { ...options, scope }, context)
        const recipients = await keyProviders(options, surroundings)
        const to = resolve(surroundings.cwd, file)
        const { onProgress, end } = transferView(output, 'export')
        if (format !== 'holdfast') {
          if (recipients)
            throw new HoldfastError('E_USAGE', `${format} is not sealed for anybody`, {
              hint: 'Leave out who can open it, or export a bundle: --format holdfast.',
            })
          const report = await holdfast.bundles
            .exportRecords(id, {
              format,
              to,
              scope,
              signal,
              onProgress,
              ...(entity ? { entities: entity } : {}),
              ...(revealSensitive ? { revealSensitive } : {}),
              ...(mask ? { mask } : {}),
              ...(plain ? { plain } : {}),
            })
            .finally(end)
          for (const written of report.files) output.text(`Wrote ${counted(written.records, 'record')}, ${bytes(written.bytes)}, to ${written.path}`)
          for (const { store, entity: name, fields } of report.hidden) output.note(`Not shown of ${store}.${name}: ${fields.join(', ')}`)
          for (const { store, entity: name, field, masker } of report.masked) output.note(`Masked ${store}.${name}.${field}: ${masker}`)
          tellErased(output, report.erased)
          return { exitCode: 0, summary: { ...report } }
        }
        if (mask)
          throw new HoldfastError('E_USAGE', 'a bundle is a snapshot as it was, every chunk proved by its hash: its values cannot be masked', {
            hint: 'Choose another --format; or restore with --mask into another database, and export a bundle of a backup of that.',
          })
        if (entity || revealSensitive)
          throw new HoldfastError('E_USAGE', 'a bundle holds all of a snapshot', {
            hint: 'Leave out --entity and --reveal-sensitive, or choose another --format.',
          })
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
    .addOption(
      new Option('--format <format>', 'holdfast: a bundle; ndjson: what `bundle export --format ndjson --reveal-sensitive` wrote, unchanged')
        .choices(['holdfast', 'ndjson'] satisfies Format[])
        .default('holdfast'),
    )
  addScopeOption(addIdentityOptions(command))
    .option('--bucket <name>', 'where it goes (default: the bucket of its plan, or the only one)')
    .option('--plain', 'put what is sealed into a bucket that is not encrypted')
    .addHelpText('after', '\nExample:\n  $ holdfast bundle import shop.hfb --identity ~/shop.key')
    .action(async (file: string, _, command: Command) => {
      const { scope, plain, bucket, format, ...options } = command.optsWithGlobals<BundleOptions>()
      await run('bundle import', options, async ({ holdfast, output, surroundings, interrupts: { signal } }) => {
        const identities = await keyProviders(options, surroundings)
        const { onProgress, end } = transferView(output, 'import')
        const from = resolve(surroundings.cwd, file)
        const common = { scope, signal, onProgress, ...(bucket === undefined ? {} : { bucket }) }
        if (format !== 'holdfast' && (identities || plain))
          throw new HoldfastError('E_USAGE', `${format} is not sealed`, { hint: 'Leave out what opens it, and --plain.' })
        const report = await (
          format === 'holdfast'
            ? holdfast.bundles.import(from, { ...common, ...(identities ? { identities } : {}), ...(plain ? { plain } : {}) })
            : holdfast.bundles.importRecords(from, common)
        ).finally(end)
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

function tellErased(output: Output, erased: readonly ErasedCount[]): void {
  for (const { store, entity, records } of erased) output.warning(`${counted(records, 'record')} of ${store}.${entity} are not in it: they were erased`)
}

function readers(openedBy: BundleFacts['openedBy']): string {
  return openedBy === null ? 'anybody can read it' : `sealed for ${openedBy.map(({ kind, reference }) => `${kind} ${reference}`).join(', ')}`
}
