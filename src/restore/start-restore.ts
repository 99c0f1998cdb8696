import { NOTHING_ERASED } from '../erasure/index.ts'
import { evolveManifest, NO_SCHEMA_CHANGES } from '../evolution/index.ts'
import { HoldfastError } from '../kernel/errors.ts'
import { uuidv7 } from '../kernel/ids.ts'
import { ProgressTracker } from '../progress/index.ts'
import { checkRequest, type RestoreSettings } from './check-request.ts'
import { ProblemLedger } from './problem-ledger.ts'
import type { RestoreDependencies } from './restore-context.ts'
import type { RestoreWatcher, WatchedRestore } from './restore-watcher.ts'
import { type OwnedRows, undoJournal } from './undo-journal.ts'
import { assertAsked } from './resolve-rows.ts'
import { createRestoreMeters, RESTORE_PHASES } from './restore-meters.ts'
import type { RestoreRequest } from './restore-request.ts'
import { runRestore } from './restore-run.ts'
import { createRestoreSession, type RestoreSession } from './restore-session.ts'
import { selectEntities, type StoreSelection } from './select-entities.ts'

/**
 * Checks the request and starts the work.
 * @throws `E_CONFIG`, `E_ENTITY_UNKNOWN`, `E_STORE_UNKNOWN`, `E_DIALECT`; whatever is found out later ends the session.
 */
export function startRestore(request: RestoreRequest, dependencies: RestoreDependencies): RestoreSession {
  const { schema, masking, ...parts } = dependencies
  const { stores, clock, logger } = parts
  const settings = checkRequest(request)
  if (settings.mask && !masking) {
    throw new HoldfastError('E_CONFIG', '`mask` is asked for, and no masking is configured', {
      hint: 'createHoldfast({ masking: { key, rules: [maskEntity(…)] } })',
    })
  }
  const evolving = { stores, into: request.into ?? {}, changes: schema ?? NO_SCHEMA_CHANGES }
  const evolved = evolveManifest(dependencies.manifest, evolving)
  const { manifest, evolutionOf } = evolved
  const selections = selectEntities(manifest, request, stores)
  assertAsked(
    settings.resolvers,
    selections.flatMap(({ store, entities }) => entities.map(({ descriptor }) => ({ store: store.name, entity: descriptor.name }))),
  )
  const outcomes = [
    ...selections.flatMap(({ entities }) => entities.flatMap((entity) => evolutionOf(entity).outcomes)),
    ...(request.entities ? [] : evolved.removed),
  ]
  const id = uuidv7(clock.now())
  const tenant = request.targetScope ?? manifest.tenant ?? null
  const tracker = new ProgressTracker({ operation: 'restore', id, phases: RESTORE_PHASES, clock })
  return createRestoreSession({
    id,
    snapshotId: manifest.snapshotId,
    planId: manifest.plan.id,
    dryRun: settings.dryRun,
    scope: tenant,
    tracker,
    logger,
    signal: dependencies.signal,
    run: (signal, touch) =>
      runRestore(selections, {
        ...parts,
        ...settings,
        manifest,
        evolutionOf,
        outcomes,
        masking: settings.mask ? masking! : null,
        masked: [],
        erased: NOTHING_ERASED,
        leftOut: [],
        whole: dependencies.whole ? evolveManifest(dependencies.whole, evolving).manifest : manifest,
        tenant,
        id,
        request,
        original: dependencies.manifest,
        signal,
        watcher: watcherOf(dependencies, settings, {
          id,
          repository: dependencies.repository,
          tenant,
          ownedOf: (store, entity) => ownedOf(selections, store, entity),
          selection: dependencies.selection,
          signal,
        }),
        meters: createRestoreMeters(tracker, selections, touch),
        problems: new ProblemLedger(),
      }),
  })
}

/** How the rows of a live entity lead to their tenant. */
function ownedOf(selections: readonly StoreSelection[], store: string, entity: string): OwnedRows {
  const { owner, shared } = selections.find((selection) => selection.store.name === store)?.entities.find(({ descriptor }) => descriptor.name === entity) ?? {}
  return { ...(owner ? { owner } : {}), ...(shared ? { shared } : {}) }
}

function watcherOf({ watch }: RestoreDependencies, { undo, dryRun }: RestoreSettings, restore: WatchedRestore): RestoreWatcher | undefined {
  if (watch) return watch(restore)
  if (!undo || dryRun) return undefined
  const journal = undoJournal(restore)
  return { journals: true, merging: (store) => [journal(store.selection.store.name)] }
}
