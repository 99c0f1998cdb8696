import 'reflect-metadata'
import { container, inject, injectable } from 'tsyringe'
import { describe, expect, it } from 'vitest'
import { bootPlans, definePlan } from '../../src/plan/index.ts'
import {
  IBackupDiscoveryService,
  IBackupPlanRegistry,
  IDataBackupService,
  IDataRestoreService,
  type IBundleService,
  type IKeyService,
  type IStorageService,
  ISnapshotComparisonService,
  registerHoldfast,
  resolve,
  token,
  type HoldfastServices,
} from '../../src/tsyringe/index.ts'
import { mapped, storeOf } from '../support/plan-mapping.ts'

async function services(planId: string): Promise<HoldfastServices> {
  const { registry } = await bootPlans({
    stores: [storeOf('main', [mapped('Order', ['id'])])],
    buckets: ['default'],
    plans: [definePlan({ id: planId, description: 'd', entities: ['Order'] })],
  })
  // The container only hands the services on; what they do is no concern of it.
  return {
    backups: {} as IDataBackupService,
    restores: {} as IDataRestoreService,
    discovery: {} as IBackupDiscoveryService,
    comparisons: {} as ISnapshotComparisonService,
    bundles: {} as IBundleService,
    keys: {} as IKeyService,
    storages: {} as IStorageService,
    plans: registry,
  }
}

@injectable()
class NightlyJob {
  readonly backups: IDataBackupService
  readonly plans: IBackupPlanRegistry
  constructor(@inject(IDataBackupService) backups: IDataBackupService, @inject(IBackupPlanRegistry) plans: IBackupPlanRegistry) {
    this.backups = backups
    this.plans = plans
  }
}

describe('holdfast/tsyringe', () => {
  it('registers the very services of a Holdfast, for resolve and for @inject', async () => {
    const holdfast = await services('shop')
    const own = container.createChildContainer()
    registerHoldfast(own, holdfast)
    expect(resolve(own, IDataBackupService)).toBe(holdfast.backups)
    expect(resolve(own, IDataRestoreService)).toBe(holdfast.restores)
    expect(resolve(own, IBackupDiscoveryService)).toBe(holdfast.discovery)
    expect(resolve(own, ISnapshotComparisonService)).toBe(holdfast.comparisons)
    expect(resolve(own, IBackupPlanRegistry)).toBe(holdfast.plans)
    const job = own.resolve(NightlyJob)
    expect(job.backups).toBe(holdfast.backups)
    expect(job.plans.get('shop').id).toBe('shop')
  })

  it('refuses a second Holdfast in one container and registers none of it, but takes it in a child', async () => {
    const [first, second] = [await services('first'), await services('second')]
    const own = container.createChildContainer()
    registerHoldfast(own, first)
    expect(() => registerHoldfast(own, second)).toThrowError(
      expect.objectContaining({ code: 'E_CONFIG', message: expect.stringContaining('holdfast.IDataBackupService') }),
    )
    expect(resolve(own, IBackupPlanRegistry)).toBe(first.plans)
    const child = own.createChildContainer()
    registerHoldfast(child, second)
    expect(resolve(child, IBackupPlanRegistry)).toBe(second.plans)
  })

  it('gives equal tokens for equal names, so that two copies of the package agree', () => {
    expect(token('IDataBackupService')).toBe(IDataBackupService)
    expect(token('mine')).not.toBe(IDataBackupService)
  })
})
