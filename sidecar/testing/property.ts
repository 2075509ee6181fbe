/**
 * Property tests draw the same cases at each run, so that a change is judged by what it changes.
 * `PROPERTY_SEED=N` draws others: how a property is tried for long, beside `PROPERTY_RUNS`.
 */
import fc from 'fast-check'

const SEED = 20_261_126

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.PROPERTY_SEED ?? SEED) })

export { fc }
