import type { Manifest } from './manifest.ts'
import { assertManifestRules } from './manifest-rules.ts'
import { checkStoredManifest } from './manifest-schema.ts'
import { requireKnownFeatures } from './object-container.ts'

/** Is it a whole manifest, ranges and all? `object` names it in errors: `E_ARCHIVE_CORRUPT`, `E_ARCHIVE_FORMAT`. */
export function checkManifest(value: unknown, object: string): Manifest {
  if (typeof value === 'object' && value !== null && 'requiredFeatures' in value) requireKnownFeatures(value.requiredFeatures, object)
  const manifest = checkStoredManifest(value, object) as Manifest
  assertManifestRules(manifest, object)
  return manifest
}
