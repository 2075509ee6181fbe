/** The settings in force, of the ConfigMap of the controller and of those with headers that it names. */
import type { Collection, Graph, Reader } from '../collection/graph.ts'
import type { ObjectStore } from '../collection/object-store.ts'
import { DEFAULT_SETTINGS, type Settings } from '../ir/settings.ts'
import { lookUp, withHeaderMaps } from '../source/configmap/headers.ts'
import { translateConfigMap, type SettingsReading } from '../source/configmap/translate.ts'

/** Under ''. With a bad protection in it, the ConfigMap as a whole is refused and the last good one holds on. */
export function settingsOf(graph: Graph, objects: ObjectStore, name: string): Collection<SettingsReading> {
  const only = graph.source<true>()
  let lastGood: Settings | undefined
  const settings = graph.map(only, (_, read) => {
    const configMaps = lookUp(read, objects.of('ConfigMap'), objects.listed)
    const object = configMaps.get(name)
    const reading = withHeaderMaps(translateConfigMap(object), object, configMaps)
    if (reading.refused !== undefined) return { ...reading, settings: lastGood ?? DEFAULT_SETTINGS }
    lastGood = reading.settings
    return reading
  })
  only.set('', true)
  return settings
}

/** Those in force, for a derivation. */
export function inForce(settings: Collection<SettingsReading>, read: Reader): Settings {
  return read.get(settings, '')?.settings ?? DEFAULT_SETTINGS
}
