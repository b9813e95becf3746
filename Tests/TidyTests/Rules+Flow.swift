extension Rules {
    /// Where the flow makes the rows of a drop.
    static let rowsOfDrops = "Sources/Flow/Pipeline/Life/DropRows.swift"

    /// Nothing in the flow gives a drop another state but `DropRows` (docs/decisions/0038-one-life-cycle.md).
    static func statesChangeInOnePlace(_ file: SourceFile) -> [Finding] {
        guard file.isSwift, file.path.hasPrefix("Sources/Flow/"), file.path != rowsOfDrops else { return [] }
        return file.code.indices.filter { file.code[$0].contains(".state = ") }.map {
            Finding(path: file.path, line: $0 + 1, message: "a drop's state is changed outside \(rowsOfDrops).")
        }
    }
}
