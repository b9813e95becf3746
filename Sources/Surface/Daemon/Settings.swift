import HomeConfiguration
import DropCore
import HomeReports
import Logging
import Pipeline
import PluginHost
import TwinModel

// What the configuration says, in the words of the parts it is for.

extension PluginSource {
    init(_ source: Source) {
        let zones = source.zones.isEmpty ? [] : [LookupTable(zones: source.zones)]
        self.init(
            name: source.name, libraryPath: source.libraryPath, settings: source.settings.text(),
            lookups: (zones + source.lookups).map { table in
                PluginSource.Lookup(table: table.name, entries: table.rows.map { (key: $0.key, value: $0.value) })
            }, dialect: source.dialect, limits: WorkerLimits(source.worker), files: source.asked,
            defect: source.mistakes.isEmpty ? nil : Self.defect(source.name, source.mistakes),
            located: { [places = source.settingsPlaces] in places.error($0).description })
    }
}

extension PluginSource {
    /// Why a source cannot run by its files.
    static func defect(_ name: SourceName, _ mistakes: [ConfigurationError]) -> DropError {
        DropError(
            .settings,
            "Source \(name) is suspended: its configuration has a mistake. \(mistakes.map(\.description).joined(separator: " "))",
            hint:
                "Correct it: the source goes on by itself then. Until then its files wait: in their folder, or claimed in the spool.",
            remedy: .suspendSource)
    }
}

extension WorkerLimits {
    init(_ bounds: WorkerBounds) {
        self.init()
        addressSpace = bounds.memoryBytes
        processorTime = bounds.cpu
        wallTime = bounds.wall
        wallTimePerMebibyte = bounds.wallPerMiB
        silence = bounds.silence
        outputBytes = bounds.outputBytesFree
        outputPerInputByte = UInt64(bounds.outputFactor)
        operations = bounds.operationsFree
        logBytes = Int(bounds.logBytes)
        dropsPerWorker = bounds.reuseDrops
        workerAge = bounds.reuseTime
        failuresMax = bounds.failuresMax
    }
}

extension Logger.Level {
    init(_ level: LogSettings.Level) { self = Logger.Level(rawValue: level.rawValue) ?? .info }
}

extension LogLines.Format {
    init(_ format: LogSettings.Format) { self = LogLines.Format(rawValue: format.rawValue) ?? .auto }
}
