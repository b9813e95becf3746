import ArgumentParser
import CodecKit
import Daemon
import DropCore
import Foundation
import HomeReports
import TwinModel
import TwinService
import TwinStore

struct ModelListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the models of the graph.",
        discussion: "Examples:\n  twindrop models list\n  twindrop models list --dependencies 'dtmi:com:example:Asset;1' --json")

    @OptionGroup var home: HomeOptions
    @Option(help: ArgumentHelp("Only this model and what it extends or contains.", valueName: "id")) var dependencies: String?

    mutating func run() throws {
        let service = GraphService(try home.open().openGraph())
        let roots = dependencies.map { [$0] } ?? []
        let page = try serving { () throws(ServiceError) in
            try service.models(dependenciesFor: roots, after: nil, limit: .max)
        }
        if home.json {
            for model in page.elements { Terminal.print(json(model)) }
        } else {
            var table = Table("MODEL", "UPLOADED", "NAME")
            for model in page.elements {
                let name = model.displayName.first?.value.string.map { Escaping.visible($0) } ?? ""
                table.add(model.id, Times.shown(uploaded(model)), name + (model.isDecommissioned ? " (decommissioned)" : ""))
            }
            table.print(whenEmpty: "The graph has no models. Put some into models/, or use `twindrop models upload`.")
        }
    }
}

struct ModelShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Prints a model as it was uploaded.",
        discussion: "Example:\n  twindrop models show 'dtmi:com:example:Asset;1'")

    @OptionGroup var home: HomeOptions
    @Argument(help: "The model's id, version included.") var id: String

    mutating func run() throws {
        let service = GraphService(try home.open().openGraph())
        let model = try serving { [id] () throws(ServiceError) in try service.model(id) }
        if home.json {
            let definition = try? JSON(parsing: model.definition, depthMax: 64)  // What was stored can be read.
            Terminal.print(.object((json(model).members ?? []) + [.init("model", definition ?? .null)]))
        } else {
            Terminal.print(json: String(decoding: model.definition, as: UTF8.self))
        }
    }
}

struct ModelUploadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upload", abstract: "Puts models into the graph: all of them, or none. Those it has already are left out.",
        discussion: "Example:\n  twindrop models upload models/")

    @OptionGroup var home: HomeOptions
    @Argument(help: "Files of one interface or an array of them, and folders of such.", completion: .file()) var files: [String]

    mutating func run() throws {
        let home = try home.open()
        let paths = try files.map { file throws(CommandFailure) in
            guard FileManager.default.fileExists(atPath: file) else {
                throw CommandFailure(.usage, "There is no file or folder \(Escaping.visible(file)).")
            }
            return URL(fileURLWithPath: file).path
        }
        let request: JSON = ["do": "upload-models", "files": .array(paths.map(JSON.string))]
        let answer: JSON
        if let told = try ControlClient.ask(home.controlSocket, request) {
            answer = told
        } else {
            let engine = try Engine(home, intake: .none)
            defer { engine.stop() }
            answer = try engine.answer("upload-models", request, Users.current)
        }
        let ids = answer["uploaded"]?.elements?.compactMap(\.string) ?? []
        if self.home.json { return Terminal.print(answer) }
        for id in ids { Terminal.print("uploaded \(id)") }
        if ids.isEmpty { Terminal.print("The graph had all of them.") }
    }
}

private func uploaded(_ model: ModelData) -> UInt64 { UInt64(max(0, model.uploadTime / 1000)) }

private func json(_ model: ModelData) -> JSON {
    [
        "id": .string(model.id), "displayName": .object(model.displayName), "description": .object(model.description),
        "decommissioned": .bool(model.isDecommissioned), "uploadTime": .string(Times.text(uploaded(model))),
    ]
}

/// Runs `body`; what the service refuses becomes a failure of the command.
private func serving<T>(_ body: () throws(ServiceError) -> T) throws(CommandFailure) -> T {
    do throws(ServiceError) {
        return try body()
    } catch {
        throw CommandFailure(error.code.isOurs ? .storage : .negative, error.message)
    }
}
