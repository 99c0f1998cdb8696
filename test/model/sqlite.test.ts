import { modelSuite } from './model-suite.ts'

modelSuite('sqlite')
