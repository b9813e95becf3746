import DropCore
package import Logging
package import Pipeline
import ThreadKit
package import TwinModel

/// Says how far large drops are: on a terminal in a line that is written over, elsewhere in a log line now and then.
///
/// Files that take less than a second are not worth a word.
package final class ProgressDisplay: Sendable {
    /// Elsewhere than on a terminal.
    private static let pause = Duration.seconds(10)
    private let isOver = Monitor(false)
    private let thread = Monitor<NamedThread?>(nil)

    package init() {}

    /// Shows what `progress` says, until `stop`.
    package func start(log: Logger, _ progress: @escaping @Sendable () -> [ProgressLine]) {
        thread.with { thread in
            thread = NamedThread("td-progress") { [isOver] in
                let isTerminal = Terminal.errorsAreInteractive
                let pause = isTerminal ? Duration.milliseconds(250) : Self.pause
                while !isOver.wait(until: { $0 }, timeout: pause, { $0 }) {
                    let lines = progress().filter { $0.seconds >= 1 }
                    if isTerminal {
                        Terminal.show(status: lines.first.map { $0.text(others: lines.count - 1) } ?? "")
                        continue
                    }
                    for line in lines where line.seconds >= Self.pause / .seconds(1) {
                        log.info("A drop is being transformed.", metadata: line.metadata)
                    }
                }
                if isTerminal { Terminal.show(status: "") }
            }
        }
    }

    package func stop() {
        isOver.with { $0 = true }
        thread.with { $0 }?.join()
    }
}

/// One drop's progress, as it is shown and as the daemon tells it.
package struct ProgressLine: Sendable {
    package let drop: String
    package let file: String
    package let records: UInt64
    package let bytesRead: UInt64
    package let bytes: UInt64
    package let seconds: Double

    package init(_ progress: DropProgress) {
        (drop, file) = (progress.drop.description, progress.fileName.description)
        (records, bytesRead, bytes) = (progress.records, progress.bytesRead, progress.bytes)
        seconds = (ContinuousClock.now - progress.began) / .seconds(1)
    }

    /// Nil for anything but what `json` writes.
    package init?(_ json: JSON) {
        guard let drop = json["drop"]?.string, let file = json["file"]?.string, let records = json["records"]?.int,
            let bytesRead = json["bytesRead"]?.int, let bytes = json["bytes"]?.int,
            let milliseconds = json["milliseconds"]?.int
        else { return nil }
        (self.drop, self.file, seconds) = (drop, file, Double(milliseconds) / 1000)
        (self.records, self.bytesRead, self.bytes) = (UInt64(max(0, records)), UInt64(max(0, bytesRead)), UInt64(max(0, bytes)))
    }

    package var json: JSON {
        [
            "drop": .string(drop), "file": .string(file), "records": .int(Int64(clamping: records)),
            "bytesRead": .int(Int64(clamping: bytesRead)), "bytes": .int(Int64(clamping: bytes)),
            "milliseconds": .int(Int64(seconds * 1000)),
        ]
    }

    private var rate: UInt64 { seconds > 0 ? UInt64(Double(records) / seconds) : 0 }

    /// `orders.csv  2,345,678 rows  62 % of 445.0 MB  512,000 rows/s`
    package func text(others: Int) -> String {
        let percent = bytes == 0 ? 0 : min(100, bytesRead * 100 / bytes)
        var text = "\(file)  \(Self.grouped(records)) rows  \(percent) % of \(Self.size(bytes))  \(Self.grouped(rate)) rows/s"
        if bytesRead > 0, bytesRead < bytes {
            let left = seconds * Double(bytes - bytesRead) / Double(bytesRead)
            text += left < 90 ? "  \(Int(left) + 1) s left" : "  \(Int(left / 60) + 1) min left"
        }
        return others > 0 ? text + "  and \(others) more" : text
    }

    package var metadata: Logger.Metadata {
        [
            "drop.id": "\(drop)", "file": "\(file)", "records": .number(records), "bytes.read": .number(bytesRead),
            "bytes": .number(bytes), "records.second": .number(rate),
        ]
    }

    /// Thousands apart.
    package static func grouped(_ number: UInt64) -> String {
        var digits = Array(String(number))
        for place in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: place) }
        return String(digits)
    }

    /// In MB of 1,000,000 bytes, with one decimal.
    package static func size(_ bytes: UInt64) -> String {
        bytes < 100_000 ? "\(grouped(bytes)) bytes" : "\(grouped(bytes / 1_000_000)).\(bytes / 100_000 % 10) MB"
    }
}
