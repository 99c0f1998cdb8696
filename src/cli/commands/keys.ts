import type { Command } from 'commander'
import { generateKeyFile, generateRecipientFile } from '../../crypto/encryption.ts'
import type { GlobalOptions, RunAlone, RunCommand } from '../run-command.ts'
import type { ScopeOptions } from '../scope-option.ts'
import { textTable } from '../../kernel/text-table.ts'
import type { KeySummary } from '../../service/index.ts'

interface KeysOptions extends GlobalOptions, ScopeOptions {
  readonly bucket?: string
  readonly yes?: boolean
}

const BUCKET = ['--bucket <name>', 'which bucket; needed where there are several'] as const

const SCOPE = ['--scope <tenant>', 'the tenant, where the plan has a scope'] as const

export function addKeys(program: Command, run: RunCommand, alone: RunAlone): void {
  const keys = program.command('keys').summary('make, list and change the keys of encrypted backups').description('The keys of encrypted repositories.')
  keys
    .command('generate')
    .summary('make a key file')
    .description('Writes a new key into a file that its owner alone may read. Nothing is ever written over. Keep a copy where the backups are not.')
    .argument('<file>', 'where')
    .action(async (file: string) => {
      await alone('keys generate', async ({ output }) => {
        await generateKeyFile(file)
        output.text(`Wrote ${file}. Keep a copy of it where the backups are not: without it they cannot be read.`)
        return { exitCode: 0, summary: { file } }
      })
    })
  keys
    .command('recipient')
    .summary('make the keys of a recipient')
    .description(
      'Makes a pair of keys, writes the private one into a file that its owner alone may read, and prints the public one, which may be known to anyone: with it others seal bundles that the private one opens. Nothing is ever written over.',
    )
    .argument('<file>', 'where the private key goes')
    .action(async (file: string) => {
      await alone('keys recipient', async ({ output }) => {
        const publicKey = await generateRecipientFile(file)
        output.text(publicKey)
        output.note(`Wrote the private key to ${file}. Keep it to yourself, and a copy of it somewhere else.`)
        return { exitCode: 0, summary: { file, publicKey } }
      })
    })
  keys
    .command('list')
    .summary('list the keys, and who can open them')
    .option(...BUCKET)
    .action(async (_, command: Command) => {
      const { bucket, ...options } = command.optsWithGlobals<KeysOptions>()
      await run('keys list', options, async ({ holdfast, output, interrupts: { signal } }) => {
        const found = await holdfast.keys.list({ signal, ...(bucket === undefined ? {} : { bucket }) })
        for (const key of found) output.record('key', { ...key })
        const rows = found.map(({ keyId, purpose, scope, tenant, epoch, current, createdAt, openedBy }) => [
          keyId,
          purpose,
          tenant ?? scope ?? '',
          epoch,
          current ? 'yes' : 'no',
          createdAt,
          openersOf([{ openedBy }]).join(', '),
        ])
        output.text(textTable(['key', 'of', 'tenant', 'epoch', 'current', 'made', 'opened by'], rows))
        return { exitCode: 0, summary: { keys: found.length } }
      })
    })
  keys
    .command('rewrap')
    .summary('wrap all keys for the providers that are configured now')
    .description('Wraps all keys for the providers that are configured now, and removes the wraps there were. No backup is rewritten.')
    .option(...BUCKET)
    .action(async (_, command: Command) => {
      const { bucket, ...options } = command.optsWithGlobals<KeysOptions>()
      await run('keys rewrap', options, async ({ holdfast, output, interrupts: { signal } }) => {
        const place = { signal, ...(bucket === undefined ? {} : { bucket }) }
        const openers = async () => openersOf(await holdfast.keys.list({ ...place, tenants: false }))
        const before = await openers()
        const ids = await holdfast.keys.rewrap(place)
        const openedBy = await openers()
        const dropped = before.filter((opener) => !openedBy.includes(opener))
        output.text(`Wrapped ${ids.length} keys anew: opened by ${openedBy.join(', ')}${dropped.length > 0 ? `; no longer by ${dropped.join(', ')}` : ''}`)
        return { exitCode: 0, summary: { keys: ids, openedBy, dropped } }
      })
    })
  keys
    .command('renew')
    .summary('seal what is written from now on with a new key')
    .description('Makes a new data key for what is written from now on. What is there stays sealed with the old ones, which are kept.')
    .option(...BUCKET)
    .option(...SCOPE)
    .action(async (_, command: Command) => {
      const { bucket, scope, ...options } = command.optsWithGlobals<KeysOptions>()
      await run('keys renew', options, async ({ holdfast, output, interrupts: { signal } }) => {
        const id = await holdfast.keys.renew({ signal, scope, ...(bucket === undefined ? {} : { bucket }) })
        output.text(`What is written from now on is sealed with the key ${id}`)
        return { exitCode: 0, summary: { key: id } }
      })
    })
  keys
    .command('shred')
    .summary('destroy the keys of a tenant, for ever')
    .description(
      'Destroys the keys of a tenant in all encrypted buckets: nothing of it can ever be read again, and nothing of it backed up. Others are not touched. There is no way back.',
    )
    .requiredOption(...SCOPE)
    .requiredOption('--yes', 'this is what you want')
    .action(async (_, command: Command) => {
      const { scope = '', ...options } = command.optsWithGlobals<KeysOptions>()
      await run('keys shred', options, async ({ holdfast, output, interrupts: { signal } }) => {
        const deleted = await holdfast.keys.shred({ scope, signal })
        output.text(`Destroyed the keys of ${JSON.stringify(scope)} (${deleted} objects)`)
        return { exitCode: 0, summary: { scope, deleted } }
      })
    })
}

/** Who opens any of the keys. */
function openersOf(keys: readonly Pick<KeySummary, 'openedBy'>[]): string[] {
  return [...new Set(keys.flatMap(({ openedBy }) => openedBy.map(({ kind, reference }) => `${kind} ${reference}`)))]
}
