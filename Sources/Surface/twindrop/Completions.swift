import ArgumentParser
import DropCore
import Foundation
import HomeConfiguration
import HomeReports
import TwinStore

/// What a shell offers for an argument. Where the home cannot be read nothing is offered: the command itself says why.
enum Completions {
    static let source = CompletionKind.custom { words, _, _ in
        home(words)?.configuration.sources.map(\.name.text) ?? []
    }

    /// File names and ids of the newest drops.
    static let drop = CompletionKind.custom { words, _, _ in
        guard let store = try? home(words)?.openGraph(withModels: false),
            let newest = try? store.register.page(source: nil, states: nil, before: nil, limit: 50)
        else { return [] }
        return Set(newest.map(\.fileName.description)).sorted() + newest.map(\.id.description)
    }

    static let state = CompletionKind.list(DropState.allCases.map(\.rawValue))

    private static func home(_ words: [String]) -> Home? {
        var folder = HomeOptions.fromEnvironment ?? FileManager.default.currentDirectoryPath
        if let option = words.lastIndex(of: "--home"), option + 1 < words.count { folder = words[option + 1] }
        return try? Home(folder)
    }
}
