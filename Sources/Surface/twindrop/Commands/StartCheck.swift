import DropCore
import Foundation
import HomeConfiguration
import HomeReports
import SystemKit
import TwinAPI
import TwinModel
import TwinStore

/// What keeps a daemon from starting although `twindrop.yaml` is in order: files that only a start reads. `doctor` and `source
/// check` do what a start does, with the same code.
struct StartCheck {
    let home: Home

    /// A sentence each, with the next step.
    func findings() -> [String] { tokens() + models() }

    private func tokens() -> [String] {
        guard let path = home.configuration.http.tokens else { return [] }
        do throws(StartError) {
            _ = try TokenStore(path: path, clock: { SystemClock.wall() / 1000 })
            return []
        } catch { return ["http.tokens: \(error)"] }
    }

    /// The models of the home, against those that the graph has.
    private func models() -> [String] {
        let folder = home.paths.models
        guard (try? FileManager.default.contentsOfDirectory(atPath: folder))?.isEmpty == false,
            TwinStore.exists(folder: home.paths.state)
        else { return [] }
        let store: TwinStore
        do throws(DropError) { store = try TwinStore.openForDryRun(folder: home.paths.state) } catch {
            return ["models: \(error)"]
        }
        do throws(StartError) {
            _ = try ModelFolder.adopt([folder], into: store, by: Caller(name: "doctor"), isDryRun: true)
            return []
        } catch { return ["models: \(error)"] }
    }
}
