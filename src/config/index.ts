export type { ConfigExport, ConfigFacts, HoldfastConfig, Later } from './define-config.ts'
export { defineConfig } from './define-config.ts'
