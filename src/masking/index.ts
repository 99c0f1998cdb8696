export { maskEntity, type MaskingOptions, type MaskRule, type MaskRules, maskRules } from './mask-rules.ts'
export { maskLines } from './mask-lines.ts'
export { type CustomMask, masks } from './masks.ts'
export { type EntityToMask, type MaskedField, planMasks } from './plan-masks.ts'
