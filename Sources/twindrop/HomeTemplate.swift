import HomeConfiguration
import Foundation

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
        let sample = folder + "/" + sampleFile
        guard !FileCalls.isTaken(sample) else {
            throw CommandFailure(.usage, "\(sample) is there already.", "Choose another folder, or move that file away.")
        }
        for name in Configuration.templateFolders + ["samples"] {
            do {
                try FileManager.default.createDirectory(atPath: folder + "/" + name, withIntermediateDirectories: true)
            } catch {
                throw CommandFailure(
                    .storage, "\(folder)/\(name) cannot be made: \(error.localizedDescription)", "Check its permissions.")
            }
        }
        for (path, text) in [(sample, sampleExport), (configuration, Configuration.template)] {
            let file = try FileCalls.created(path)
            defer { file.close() }
            try FileCalls.write(Array(text.utf8), to: file.descriptor, path)
        }
        return [Configuration.fileName, sampleFile] + Configuration.templateFolders.map { $0 + "/" }
    }

    /// A first file to drop, for the sample source.
    static let sampleFile = "samples/assets.csv"

    private static let sampleExport = """
        asset_id,name,category,site,status,last_service
        FL-1001,"Forklift 1001, north gate",forklift,HAM1,active,2026-10-02
        FL-1002,Forklift 1002,forklift,HAM1,idle,
        CR-0010,Crane 10,crane,LYS2,maintenance,2026-11-19
        CV-0200,Conveyor 200,conveyor,LYS2,active,2026-09-30

        """
}
