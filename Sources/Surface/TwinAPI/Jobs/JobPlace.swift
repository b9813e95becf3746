import CurlKit
import DropCore
import SystemKit

/// Where a job reads or writes: a file of this machine, or a place in the web.
enum JobPlace: Sendable {
    /// An absolute path, every link followed.
    case file(String)
    case web(WebAddress)

    /// How the API shows it: as the caller wrote it, but without the query of a URL, which may be a signature.
    func shown(as written: String) -> String {
        if case .web(let address) = self { address.shown } else { written }
    }

    /// Whether both are the same. Queries of URLs are ignored, because they are signatures.
    func isSame(as other: JobPlace) -> Bool {
        switch (self, other) {
        case (.file(let one), .file(let two)): one.utf8.elementsEqual(two.utf8)
        case (.web(let one), .web(let two)): one.shown.utf8.elementsEqual(two.shown.utf8)
        default: false
        }
    }
}

/// The bytes of a job's input, a part at a time, whatever its size. Used by the job's thread.
enum JobInput {
    case file(OpenFile)
    case web(Download)

    /// Opens a file, or asks a server and waits for its answer. Errors: `InputUnavailable`.
    init(_ place: JobPlace, _ rules: TransferRules, _ job: ActiveJob) throws(APIError) {
        switch place {
        case .file(let path):
            do throws(SystemError) { self = .file(try OpenFile(readingRegular: path)) } catch { throw Self.failure(error) }
        case .web(let address):
            do throws(TransferError) {
                self = .web(try Download(address, rules, isCancelled: { job.isCancelled }))
            } catch {
                throw Self.failure(error)
            }
        }
    }

    /// None at the end. Errors: `InputUnavailable`: what was given so far is then not the whole.
    func read() throws(APIError) -> [UInt8] {
        switch self {
        case .file(let file):
            do throws(SystemError) { return try file.read(1 << 20) } catch { throw Self.failure(error) }
        case .web(let download):
            do throws(TransferError) { return try download.read() } catch { throw Self.failure(error) }
        }
    }

    private static func failure(_ error: SystemError) -> APIError {
        APIError(.inputUnavailable, "The file of inputBlobUri cannot be read: \(error.reason).")
    }

    private static func failure(_ error: TransferError) -> APIError {
        APIError(.inputUnavailable, "What inputBlobUri names cannot be read: \(error.message)")
    }
}
