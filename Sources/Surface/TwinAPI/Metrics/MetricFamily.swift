package import DropCore
import TwinModel

/// One measured thing, as Prometheus reads it (text format 0.0.4).
package struct MetricFamily: Sendable, Equatable {
    package enum Kind: String, Sendable { case counter, gauge, histogram }

    /// One value and the labels that distinguish it.
    struct Sample: Sendable, Equatable {
        let suffix: String
        let labels: [String]
        let value: Double
    }

    /// `twindrop_…`, with the unit at the end, and `_total` for counters.
    package let name: String
    package let help: String
    package let kind: Kind
    private(set) var samples: [Sample] = []

    package init(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        self.kind = kind
        self.help = help
    }

    /// A family with one value.
    package init(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
        self.init(name, kind, help)
        add(value)
    }

    /// - Parameter labels: names and values.
    package mutating func add(_ value: Double, _ labels: KeyValuePairs<String, String> = [:]) {
        samples.append(Sample(suffix: "", labels: Self.labels(labels), value: value))
    }

    package mutating func add(_ histogram: DurationHistogram, _ labels: KeyValuePairs<String, String> = [:]) {
        let own = Self.labels(labels)
        var sum: UInt64 = 0
        for (index, count) in histogram.counts.enumerated() {
            sum += count
            let bound = index < DurationHistogram.bounds.count ? JSON.numberText(DurationHistogram.bounds[index]) : "+Inf"
            samples.append(Sample(suffix: "_bucket", labels: own + ["le=\"\(bound)\""], value: Double(sum)))
        }
        samples.append(Sample(suffix: "_sum", labels: own, value: histogram.sum))
        samples.append(Sample(suffix: "_count", labels: own, value: Double(sum)))
    }

    /// All families as one document.
    package static func text(_ families: [MetricFamily]) -> String {
        var lines: [String] = []
        for family in families where !family.samples.isEmpty {
            lines.append("# HELP \(family.name) \(family.help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n"))")
            lines.append("# TYPE \(family.name) \(family.kind.rawValue)")
            for sample in family.samples {
                let labels = sample.labels.isEmpty ? "" : "{" + sample.labels.joined(separator: ",") + "}"
                lines.append("\(family.name)\(sample.suffix)\(labels) \(JSON.numberText(sample.value))")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func labels(_ pairs: KeyValuePairs<String, String>) -> [String] {
        pairs.map { name, value in
            "\(name)=\"\(value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n"))\""
        }
    }
}
