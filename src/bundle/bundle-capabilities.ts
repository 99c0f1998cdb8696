import type { AdapterCapabilities } from '../contracts/storage-adapter.ts'

/** Of a bundle as a storage: one writer, every object put once, all of them listed. */
export const BUNDLE_CAPABILITIES: AdapterCapabilities = {
  conditionalPut: true,
  multipart: false,
  rangeRead: true,
  checksumOnPut: true,
  strongList: true,
  objectLock: false,
  versioning: false,
  lifecycleTiers: false,
  durable: false,
  shared: false,
  maxObjectBytes: Number.MAX_SAFE_INTEGER,
  maxKeyBytes: 1024,
}
