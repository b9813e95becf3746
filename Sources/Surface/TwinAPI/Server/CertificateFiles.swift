import DropCore
import Logging
import NIOCore
import NIOSSL
import Synchronization
import SystemKit
import ThreadKit

/// The current certificate and key of a server, from their files. A separate thread checks the files every second, and reads them
/// again when they have changed and then stayed the same for one check. New connections then get the new certificate. If the
/// files cannot be used, or do not belong together, the earlier ones stay in use, and the log says so.
final class CertificateFiles: Sendable {
    private struct Identity: Sendable {
        let chain: [NIOSSLCertificate]
        let key: NIOSSLPrivateKey
    }

    private struct Stamps: Equatable {
        let certificates: FileVersion?
        let key: FileVersion?

        init(of files: ServerSettings.TLSFiles) {
            certificates = FileVersion(of: files.certificates)
            key = FileVersion(of: files.key)
        }
    }

    private let files: ServerSettings.TLSFiles
    private let log: Logger
    private let identity: Mutex<Identity>
    private let isStopping = Monitor(false)
    private let thread = Mutex<NamedThread?>(nil)

    private static let interval: Duration = .seconds(1)

    /// Reads the files. Blocking; not from the cooperative pool.
    ///
    /// Errors: `tls` if they cannot be used as they are now.
    init(_ files: ServerSettings.TLSFiles, log: Logger) throws(StartError) {
        self.files = files
        self.log = log
        let stamps = Stamps(of: files)
        identity = Mutex(try Self.read(files))
        let thread = NamedThread("td-tls-files") { [self] in watch(from: stamps) }
        self.thread.withLock { $0 = thread }
    }

    /// Ends the thread. Blocking.
    func stop() {
        isStopping.with { $0 = true }
        thread.withLock { $0 }?.join()
    }

    /// For a listener: each connection asks for the certificate as it is then.
    var configuration: TLSConfiguration {
        var configuration = Self.configuration(identity.withLock { $0 })
        configuration.sslContextCallback = { [self] _, promise in
            let now = identity.withLock { $0 }
            var change = NIOSSLContextConfigurationOverride()
            change.certificateChain = now.chain.map { .certificate($0) }
            change.privateKey = .privateKey(now.key)
            promise.succeed(change)
        }
        return configuration
    }

    /// When the certificate in use ends. Unit: seconds since 1970.
    var end: Int64? { identity.withLock { $0.chain.first.map { Int64($0.notValidAfter) } } }

    private func watch(from first: Stamps) {
        var (used, last) = (first, first)
        while !isStopping.wait(until: { $0 }, timeout: Self.interval, { $0 }) {
            let now = Stamps(of: files)
            defer { last = now }
            guard now != used, now == last else { continue }
            used = now
            do throws(StartError) {
                let new = try Self.read(files)
                identity.withLock { $0 = new }
                log.notice(
                    "The certificate was changed; new connections get the new one.",
                    metadata: ["certificates": "\(files.certificates)"])
            } catch {
                log.error(
                    "The certificate was changed and cannot be used; the one before stays in use.",
                    metadata: ["certificates": "\(files.certificates)", "error": "\(error.message)"])
            }
        }
    }

    private static func read(_ files: ServerSettings.TLSFiles) throws(StartError) -> Identity {
        do {
            let identity = Identity(
                chain: try NIOSSLCertificate.fromPEMFile(files.certificates),
                key: try NIOSSLPrivateKey(file: files.key, format: .pem))
            // Finds out whether they belong together.
            _ = try NIOSSLContext(configuration: configuration(identity))
            return identity
        } catch {
            throw StartError(
                .tls, "The certificate \(files.certificates) with the key \(files.key) cannot be used: \(error).",
                hint:
                    "Both are PEM files; the first holds the certificate, then those that signed it; the second its private key.")
        }
    }

    private static func configuration(_ identity: Identity) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: identity.chain.map { .certificate($0) }, privateKey: .privateKey(identity.key))
        configuration.minimumTLSVersion = .tlsv12
        // From TLS 1.2 only suites with forward secrecy (a recorded conversation stays secret when the key becomes known), and no
        // CBC.
        configuration.cipherSuites = "ECDHE+AESGCM:ECDHE+CHACHA20"
        // How long a connection that is closed waits for its client to say the same; the server's stop waits for it.
        configuration.shutdownTimeout = .milliseconds(500)
        return configuration
    }
}
