import HomeConfiguration
import Foundation

/// What `twindrop init` makes.
enum HomeTemplate {
    struct Failure: Error {
        let message: String
        let hint: String
    }

    /// Makes the folder and its first files; what was made, relative to it. A home that is there already is left alone.
    static func write(to folder: String) throws(Failure) -> [String] {
        let files = FileManager.default
        let target = folder + "/" + Configuration.fileName
        guard !files.fileExists(atPath: target) else {
            throw Failure(message: "\(folder) is a home already.", hint: "Edit \(target), or choose another folder.")
        }
        do {
            for name in Configuration.templateFolders {
                try files.createDirectory(atPath: folder + "/" + name, withIntermediateDirectories: true)
            }
            try files.createDirectory(atPath: folder + "/samples", withIntermediateDirectories: true)
            try Data(sampleExport.utf8).write(to: URL(fileURLWithPath: folder + "/" + sampleFile))
            try Data(Configuration.template.utf8).write(to: URL(fileURLWithPath: target))
        } catch {
            throw Failure(message: "\(folder) cannot be made: \(error.localizedDescription)", hint: "Check its permissions.")
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
