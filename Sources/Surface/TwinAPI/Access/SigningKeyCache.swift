package import CurlKit
package import DropCore
package import Logging
import SystemKit
import ThreadKit

/// The current keys of the provider, with which JWTs are checked. A separate thread keeps them up to date.
///
/// Keys of a file are read again when it changes. With a file that cannot be used, no token is accepted. Keys of a URL are
/// fetched at the start, every `refresh`, and when a token names an unknown key. While the provider cannot be reached, the
/// earlier keys stay in use.
package final class SigningKeyCache: Sendable {
    private struct State {
        var keys: SigningKeys?
        var fault: String?
        /// Nil for a file, which is checked every `fileInterval`.
        var schedule: KeySchedule?
        /// Whether the thread is fetching newer keys: then tokens with unknown keys wait.
        var isAsking: Bool
        var isStopping = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var thread: NamedThread?
    }

    /// Nil if nothing has changed since the last call.
    private let source: @Sendable () throws(StartError) -> [UInt8]?
    /// For messages.
    private let name: String
    private let log: Logger
    private let state: Monitor<State>

    private static let bytesMax = 1 << 20
    private static let fileInterval: Duration = .seconds(1)
    private static let fetchTimeMax: Duration = .seconds(20)

    /// The keys of a file. Blocking; not from the cooperative pool.
    ///
    /// - Parameter path: absolute.
    /// Errors: `jwt-keys` if it cannot be used as it is now.
    package init(file path: String, log: Logger) throws(StartError) {
        let stamp = Monitor(FileVersion(of: path))
        name = path
        self.log = log
        source = { () throws(StartError) in
            let now = FileVersion(of: path)
            let isChanged = stamp.with { stamp in
                defer { stamp = now }
                return stamp != now
            }
            return isChanged ? try Self.read(path) : nil
        }
        state = Monitor(State(keys: try Self.keys(Self.read(path)), isAsking: false))
        start()
    }

    /// The keys of a URL. Does not wait for the first answer.
    ///
    /// - Parameter refresh: the time from one answer to the next request.
    package convenience init(_ address: WebAddress, _ rules: TransferRules, refresh: Duration, log: Logger) {
        var rules = rules
        rules.bytesMax = UInt64(Self.bytesMax)
        self.init(name: address.shown, refresh: refresh, log: log) { [rules] () throws(StartError) in
            let end = ContinuousClock.now + Self.fetchTimeMax
            do throws(TransferError) {
                return try Download(address, rules, isCancelled: { ContinuousClock.now > end }).readAll()
            } catch {
                let isLate = error.code == .cancelled
                let seconds = Self.fetchTimeMax.components.seconds
                throw Self.failure(isLate ? "\(address.shown) took longer than \(seconds) seconds." : error.message)
            }
        }
    }

    /// - Parameters:
    ///   - name: for messages.
    ///   - fetch: called on the ring's thread.
    init(name: String, refresh: Duration, log: Logger, fetch: @escaping @Sendable () throws(StartError) -> [UInt8]) {
        self.name = name
        self.log = log
        source = { () throws(StartError) in try fetch() }
        state = Monitor(State(schedule: KeySchedule(refresh: refresh, now: .now), isAsking: true))
        start()
    }

    /// Ends the thread, and waits for a running request. Blocking.
    package func stop() {
        let thread = state.with { state in
            state.isStopping = true
            return state.thread
        }
        thread?.join()
    }

    /// Why no token can be checked, for readiness; nil while there are keys.
    package var fault: String? { state.withoutWaking { $0.keys == nil ? $0.fault : nil } }

    /// The keys for checking a token that names the key `id`; nil if there are none. If `id` is unknown, the provider may be
    /// asked for newer keys, and the call waits for the answer.
    func keys(naming id: String?) async -> SigningKeys? {
        if let keys = state.withoutWaking({ $0.keys }), keys.mayHold(id) { return keys }
        await withCheckedContinuation { continuation in
            let waits = state.with { state in
                guard !state.isStopping, state.keys?.mayHold(id) != true else { return false }
                if !state.isAsking { state.isAsking = state.schedule?.asks(at: .now) ?? false }
                if state.isAsking { state.waiting.append(continuation) }
                return state.isAsking
            }
            if !waits { continuation.resume() }
        }
        return state.withoutWaking { $0.keys }
    }

    // MARK: - The thread

    private func start() {
        let thread = NamedThread("td-jwt-keys") { [self] in
            while rest() { look() }
            answer()
        }
        state.with { $0.thread = thread }
    }

    /// Until the next look; false at the end.
    private func rest() -> Bool {
        let pause = state.withoutWaking { $0.schedule.map { max(.zero, $0.due - .now) } ?? Self.fileInterval }
        return state.wait(until: { $0.isStopping || $0.isAsking }, timeout: pause) { state in
            state.isAsking = state.schedule != nil
            return !state.isStopping
        }
    }

    private func look() {
        do throws(StartError) {
            guard let bytes = try source() else { return }
            let keys = try Self.keys(bytes)
            let isNews = state.with { state in
                defer {
                    state.keys = keys
                    state.fault = nil
                    state.schedule?.succeeded(at: .now)
                }
                return state.keys == nil || state.fault != nil || state.schedule == nil
            }
            if isNews { log.notice("The keys of the identity provider are in use.", metadata: ["keys": "\(name)"]) }
        } catch {
            let (isNews, isLeft) = state.with { state in
                defer { state.fault = error.message }
                // With a damaged or removed file no token is accepted, so nobody gets in by damaging it.
                if state.schedule == nil { state.keys = nil }
                state.schedule?.failed(at: .now)
                return (state.fault != error.message, state.keys != nil)
            }
            if isNews {
                log.error(
                    isLeft
                        ? "Newer keys of the identity provider cannot be had; the ones before stay in use."
                        : "There are no keys of the identity provider: its tokens are refused.",
                    metadata: ["keys": "\(name)", "error": "\(error.message)"])
            }
        }
        answer()
    }

    /// Wakes the calls that wait for keys.
    private func answer() {
        let waiting = state.with { state in
            defer { (state.waiting, state.isAsking) = ([], false) }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    private static func read(_ path: String) throws(StartError) -> [UInt8] {
        do throws(SystemError) {
            return try SmallFile.read(path, bytesMax: bytesMax)
        } catch {
            throw StartError(
                .jwtKeys, "The file of http.jwt.keys, \(path), cannot be read: \(error.reason).",
                hint: "Save what the provider's jwks_uri gives.")
        }
    }

    private static func failure(_ message: String) -> StartError {
        StartError(
            .jwtKeys, "The keys of http.jwt cannot be fetched. \(message)",
            hint: "The daemon keeps asking for them; until then tokens signed by unknown keys are refused.")
    }

    /// The library's collection of keys is an actor; this thread waits for it.
    private static func keys(_ bytes: [UInt8]) throws(StartError) -> SigningKeys {
        let result = Monitor<Result<SigningKeys, StartError>?>(nil)
        // Awaited below.
        Task {
            do throws(StartError) {
                let keys = try await SigningKeys(keySet: bytes)
                result.with { $0 = .success(keys) }
            } catch {
                result.with { $0 = .failure(error) }
            }
        }
        return try result.wait(until: { $0 != nil }) { (result) throws(StartError) in try result!.get() }
    }
}
