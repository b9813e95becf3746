extension ModelReader {
    /// The extensions that the service documents for version 3.
    private static let azureExtensions: Set<String> = Set(
        ["quantitativeTypes", "annotation", "historization", "overriding"].map { "dtmi:dtdl:extension:\($0);1" })

    /// What the service does not take (docs/dtdl-rules.md, "Azure profile").
    mutating func checkAzure(_ element: Element, _ spot: Spot?) {
        let start = element.range.lowerBound
        if element.version > 3 { report(.azureVersionNotSupported, element.id, value: String(element.version), at: start) }
        if element.kind == .interface, spot != nil { report(.azureInlineInterface, element.id, spot?.member.name, at: start) }
        if element.kind == .command { report(.azureCommand, element.id, at: start) }
        if element.version == 2, spot == nil, element.range.count > 1_048_576 {  // Later versions have the limit themselves.
            report(.partitionTooLarge, element.id, value: String(element.range.count), at: start)
        }
        guard spot == nil, element.version == 3 else { return }
        for context in element.extensions.values.sorted() where !Self.azureExtensions.contains(context) {
            report(.azureContextNotSupported, element.id, "@context", value: context, at: start)
        }
    }
}
