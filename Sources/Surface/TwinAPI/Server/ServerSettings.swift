/// Where a `TwinServer` listens, and its bounds.
package struct ServerSettings: Sendable, Equatable {
    /// A name or address of this machine.
    package var host = "127.0.0.1"
    /// 0: any free one.
    package var port = 7077
    /// Nil: plain HTTP.
    package var tls: TLSFiles?
    /// Open connections; more wait in the system's queue.
    package var connectionsMax = 4096
    /// Of all header fields of one request together. Unit: bytes.
    package var headerBytesMax = 32 << 10
    /// From a request's head to the end of its body.
    package var readTime: Duration = .seconds(30)
    /// From the start of an answer to its last byte in the client's hands.
    package var writeTime: Duration = .seconds(60)
    /// How long a connection may rest between requests, and take for a request's head.
    package var idleTime: Duration = .seconds(120)
    /// How long running requests may continue after `stop`.
    package var patience: Duration = .seconds(5)
    /// Threads for reads, for changes, and for queries and lists.
    package var readThreads = 4
    package var writeThreads = 8
    package var scanThreads = 2

    package init() {}

    /// Certificate chain and private key, PEM files; absolute paths.
    package struct TLSFiles: Sendable, Equatable {
        package let certificates: String
        package let key: String

        package init(certificates: String, key: String) {
            self.certificates = certificates
            self.key = key
        }
    }

    /// Whether only this machine can reach it.
    package var isLoopback: Bool { HostName.isLoopback(host.lowercased()) }
}
