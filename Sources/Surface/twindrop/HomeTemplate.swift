import HomeConfiguration
import Foundation
import HomeReports
import SystemKit

/// What `twindrop init` makes.
enum HomeTemplate {
    /// Makes the folder and its first files; what was made, relative to it. A home that is there already is left alone, and so is
    /// whatever has the name of a file to be made, a link that leads nowhere included: nothing is written through it.
    static func write(to folder: String) throws(CommandFailure) -> [String] {
        let configuration = folder + "/" + Configuration.fileName
        guard !FileCalls.isTaken(configuration) else {
            throw CommandFailure(
                .usage, "\(folder) is a home already, or has something else called \(Configuration.fileName).",
                "Edit \(configuration), or choose another folder.")
        }
        let samples = [(sampleFile, sampleExport), (modelFile, model)].map { (folder + "/" + $0.0, $0.1) }
        if let taken = samples.map(\.0).first(where: FileCalls.isTaken) {
            throw CommandFailure(.usage, "\(taken) is there already.", "Choose another folder, or move that file away.")
        }
        System.keepFilesToOwner()
        for name in [""] + Configuration.templateFolders + ["samples"] {
            let path = folder + "/" + name
            let isNew = !Folders.exists(path)
            do {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
                if isNew, name == "dropzone" || name == "receipts" { FileRights.inheritPassage(path) }
            } catch {
                throw CommandFailure(
                    .storage, "\(folder)/\(name) cannot be made: \(error.localizedDescription)", "Check its permissions.")
            }
        }
        for (path, text) in samples + [(configuration, Configuration.template)] {
            let file = try FileCalls.created(path)
            defer { file.close() }
            try FileCalls.write(Array(text.utf8), to: file.descriptor, path)
        }
        return [Configuration.fileName, sampleFile, modelFile] + Configuration.templateFolders.map { $0 + "/" }
    }

    /// A first file to drop, for the sample source.
    static let sampleFile = "samples/assets.csv"

    /// The model of the twins that the sample source makes; a start takes it into the graph.
    static let modelFile = "models/asset.json"

    private static let model = """
        {
          "@context": "dtmi:dtdl:context;3",
          "@id": "dtmi:com:example:Asset;1",
          "@type": "Interface",
          "displayName": "Asset",
          "contents": [
            {"@type": "Property", "name": "name", "schema": "string"},
            {"@type": "Property", "name": "category", "schema": "string"},
            {"@type": "Property", "name": "site", "schema": "string"},
            {"@type": "Property", "name": "status", "schema": "string"},
            {"@type": "Property", "name": "lastService", "schema": "date"}
          ]
        }

        """

    private static let sampleExport = """
        asset_id,name,category,site,status,last_service
        FL-1001,"Forklift 1001, north gate",forklift,HAM1,active,2026-10-02
        FL-1002,Forklift 1002,forklift,HAM1,idle,
        CR-0010,Crane 10,crane,LYS2,maintenance,2026-11-19
        CV-0200,Conveyor 200,conveyor,LYS2,active,2026-09-30

        """
}
