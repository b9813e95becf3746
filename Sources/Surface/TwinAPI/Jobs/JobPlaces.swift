import CodecKit
package import CurlKit
import DropCore
import SystemKit

/// The places that import jobs may use: files in folders that the configuration names, without following links out of them, and
/// web hosts that it names.
package struct JobPlaces: Sendable, Equatable {
    /// Absolute; those that do not exist allow nothing.
    package let folders: [String]
    /// Which hosts, and how long and how much.
    package let rules: TransferRules

    package init(folders: [String], rules: TransferRules) {
        self.folders = folders
        self.rules = rules
    }

    /// The place of an input: a regular file in an allowed folder, or a URL of an allowed host, which is not contacted yet.
    ///
    /// Errors: `InvalidArgument`.
    func input(_ uri: String) throws(APIError) -> JobPlace {
        if let address = try webAddress(uri, "inputBlobUri") { return .web(address) }
        return .file(try inputFile(uri))
    }

    /// The place of a log: a name in an allowed folder, which may be an existing regular file, or a URL of an allowed host.
    ///
    /// Errors: `InvalidArgument`.
    func output(_ uri: String) throws(APIError) -> JobPlace {
        if let address = try webAddress(uri, "outputBlobUri") { return .web(address) }
        return .file(try outputFile(uri))
    }

    /// Nil if it is not a web URL.
    private func webAddress(_ uri: String, _ member: String) throws(APIError) -> WebAddress? {
        let lowered = uri.prefix(8).lowercased()
        guard lowered.hasPrefix("http:") || lowered.hasPrefix("https:") else { return nil }
        do throws(TransferError) {
            let address = try WebAddress(uri)
            guard !rules.origins.contains(address.origin) else { return address }
            let known = rules.origins.map(\.text).sorted().joined(separator: ", ")
            throw TransferError(
                .refused,
                "The host \(Escaping.visible(address.origin.text, scalarsMax: 200)) is not one that jobs may use "
                    + "(\(known.isEmpty ? "none is allowed yet" : "allowed: \(known)")). Add it to http.jobs.hosts of twindrop.yaml."
            )
        } catch {
            throw APIError(.invalidArgument, "The \(member) cannot be used. \(error.message)")
        }
    }

    private func inputFile(_ uri: String) throws(APIError) -> String {
        let path = try Self.path(of: uri, "inputBlobUri")
        // Errors say nothing about files elsewhere, not even whether they exist.
        guard let physical = try? SmallFile.physical(path), allows(physical) else {
            guard folders.contains(where: { path.utf8.starts(with: ($0 + "/").utf8) }) else { throw refusal(uri, "inputBlobUri") }
            throw APIError(
                .invalidArgument, "There is no file \(Escaping.visible(path)) that a job may read, as inputBlobUri says.")
        }
        do throws(SystemError) {
            _ = try OpenFile(readingRegular: physical)
            return physical
        } catch {
            throw APIError(
                .invalidArgument,
                "The file of inputBlobUri, \(Escaping.visible(path)), cannot be read: \(error.reason).")
        }
    }

    private func outputFile(_ uri: String) throws(APIError) -> String {
        let path = try Self.path(of: uri, "outputBlobUri")
        guard let slash = path.lastIndex(of: "/") else { throw refusal(uri, "outputBlobUri") }
        let name = path[path.index(after: slash)...]
        let folder: String
        do throws(SystemError) {
            folder = try SmallFile.physical(String(path[...slash]))
        } catch {
            throw APIError(
                .invalidArgument,
                "The folder of outputBlobUri, \(Escaping.visible(path)), cannot be used: \(error.reason).")
        }
        guard !name.isEmpty, name != ".", name != "..", allows(folder + "/" + name) else { throw refusal(uri, "outputBlobUri") }
        return folder + "/" + name
    }

    private func allows(_ physical: String) -> Bool {
        folders.contains { folder in
            // A missing folder allows nothing.
            guard let root = try? SmallFile.physical(folder) else { return false }
            return physical.utf8.starts(with: (root == "/" ? root : root + "/").utf8)
        }
    }

    private func refusal(_ uri: String, _ member: String) -> APIError {
        let known = folders.isEmpty ? "none is allowed yet" : "allowed: \(folders.joined(separator: ", "))"
        return APIError(
            .invalidArgument,
            "The \(member) \(Escaping.visible(uri, scalarsMax: 200)) is in no folder that jobs may use (\(known)). "
                + "Add it to http.jobs.folders of twindrop.yaml."
        )
    }

    /// A path, or a `file:` URI of this machine. Errors: `InvalidArgument`.
    private static func path(of uri: String, _ member: String) throws(APIError) -> String {
        var path: String? = uri
        let lowered = uri.lowercased()
        if lowered.hasPrefix("file://localhost/") {
            path = PercentCoding.decoded(uri.dropFirst("file://localhost".count))
        } else if lowered.hasPrefix("file:///") {
            path = PercentCoding.decoded(uri.dropFirst("file://".count))
        }
        guard let path, path.hasPrefix("/"), !path.utf8.contains(0) else {
            throw APIError(
                .invalidArgument,
                "The \(member) must be an absolute path of the server's machine, a file: URI, or a URL of an allowed host.")
        }
        return path
    }
}
