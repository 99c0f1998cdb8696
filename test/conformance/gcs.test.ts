import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gcsStorage } from '../../adapters/gcs/index.ts'
import { startGcsStandIn } from '../support/gcs-stand-in.ts'
import { notRun } from '../support/not-run.ts'
import { placeSuite } from '../support/place-suite.ts'

const { capabilities } = gcsStorage({ bucket: 'any' })

describe('GCS storage, on a stand-in', () => {
  let standIn: Awaited<ReturnType<typeof startGcsStandIn>>
  beforeAll(async () => {
    standIn = await startGcsStandIn()
  })
  afterAll(() => standIn.stop())

  placeSuite({ capabilities, open: (prefix) => gcsStorage({ bucket: 'bucket', apiEndpoint: standIn.endpoint, prefix }) })

  it('has no upload left of all that was aborted', async () => {
    await expect.poll(() => standIn.sessions.size).toBe(0)
  })
})

/** An account of one's own, whose bucket is there; credentials are those that the SDK finds. */
const bucket = process.env.HOLDFAST_TEST_GCS_BUCKET
if (bucket) {
  describe('GCS storage, on a bucket of Google', () => {
    placeSuite({ capabilities, open: (prefix) => gcsStorage({ bucket, prefix }) })
  })
} else notRun('Google Cloud Storage itself', 'HOLDFAST_TEST_GCS_BUCKET is not set', { required: false })
