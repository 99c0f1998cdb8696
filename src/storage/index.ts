export { type CapabilityName, requireCapabilities } from '../contracts/capability-requirement.ts'
export { assertObjectKey, assertObjectPrefix } from '../contracts/object-key.ts'
