import { text as readText } from 'node:stream/consumers'
import type { Command } from 'commander'
import { HoldfastError } from '../../kernel/errors.ts'
import { usageError } from '../command-error.ts'
import { followBackup } from '../follow-backup.ts'
import type { CommandContext, GlobalOptions, RunCommand } from '../run-command.ts'
import { addScopeOption, type ScopeOptions } from '../scope-option.ts'
import { addSourceOptions, sourceLimits, type SourceOptions } from '../source-options.ts'

interface ResumeOptions extends GlobalOptions, ScopeOptions, SourceOptions {
  readonly last?: true | string
  readonly takeover?: boolean
}

export function addResume(program: Command, run: RunCommand): void {
  const command = program
    .command('resume')
    .summary('go on with a backup that was paused, failed or killed')
    .description(
      'Goes on with a backup that was paused, failed or killed, on any machine. What was read before is checked again, so the snapshot is as consistent as any.',
    )
    .argument('[token]', 'its continuation token; - reads it from stdin, where no list of processes shows it')
    .option('--last [plan]', 'the newest unfinished session, of any plan or of this one')
    .option('--takeover', 'also when another process seems to run it: only when you know that it is dead')
  addScopeOption(addSourceOptions(command))
    .addHelpText(
      'after',
      `
Examples:
  $ holdfast list --unfinished
  $ holdfast resume --last shop
  $ holdfast resume eyJwbGFu…
  $ holdfast resume - < token.txt`,
    )
    .action(async (token: string | undefined, _, command: Command) => {
      const options = command.optsWithGlobals<ResumeOptions>()
      if ((token === undefined) === (options.last === undefined))
        throw usageError('resume takes a token or --last', 'Either `holdfast resume <token>` or `holdfast resume --last [plan]`.')
      await run('resume', options, async (context) => {
        const { signal } = context.interrupts
        const session = await context.holdfast.backups.resume(await tokenOf(token, options, context), {
          takeover: options.takeover === true,
          scope: options.scope,
          signal,
          ...sourceLimits(options),
        })
        return followBackup(session, context)
      })
    })
}

async function tokenOf(token: string | undefined, { last, scope }: ResumeOptions, { holdfast, surroundings, interrupts }: CommandContext): Promise<string> {
  if (token === '-') return (await readText(surroundings.stdin)).trim()
  if (token !== undefined) return token
  if (typeof last === 'string') holdfast.plans.get(last) // a mistyped plan has no sessions either
  const sessions = await holdfast.discovery.unfinished({ scope, signal: interrupts.signal })
  const session = sessions.find(({ planId }) => last === true || planId === last)
  if (session) return session.token
  throw new HoldfastError('E_SESSION_UNKNOWN', `there is no unfinished session${typeof last === 'string' ? ` of plan "${last}"` : ''}`, {
    hint: '`holdfast list --unfinished` lists those that there are.',
  })
}
