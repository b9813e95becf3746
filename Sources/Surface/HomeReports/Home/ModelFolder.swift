package import DropCore
import Foundation
import TwinModel
package import TwinStore

/// Puts models of files into the graph: those of the home, and those a command names.
package enum ModelFolder {
    /// Takes the files and folders at `paths`, those that exist; leaves out what the graph has already. The answer has the new
    /// ones.
    ///
    /// Errors: `models` (configuration), naming the file and what is wrong in it; nothing is stored then.
    package static func adopt(
        _ paths: [String], into store: TwinStore, by caller: Caller, isDryRun: Bool = false
    ) throws(StartError) -> [ModelData] {
        let documents: [ModelDocument]
        do throws(CommandFailure) {
            documents = try ModelFiles.read(paths.filter(Folders.exists))
        } catch {
            throw StartError(
                .models, error.lines.first ?? "A model file cannot be read.",
                hint: error.lines.dropFirst().joined(separator: " "))
        }
        do throws(ServiceError) {
            return try store.service.adopt(documents, by: caller, isDryRun: isDryRun)
        } catch {
            let isOurs = error.code.isOurs
            throw StartError(
                .models, error.message, hint: isOurs ? "" : "Nothing was stored. `twindrop models validate` checks files.",
                isOfStorage: isOurs)
        }
    }
}
