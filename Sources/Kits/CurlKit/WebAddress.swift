import CCurl

/// Scheme, host and port: who is talked to.
package struct WebOrigin: Sendable, Hashable {
    package enum Scheme: String, Sendable, Hashable { case http, https }

    package let scheme: Scheme
    /// In small letters; IPv6 addresses in brackets.
    package let host: String
    package let port: Int

    /// `HOST`, `HOST:PORT`, or with `https://` or `http://` before it; without a scheme it is https. Nil for anything else.
    package init?(_ text: String) {
        // Text that is not an address is not an origin; the caller reports it.
        guard let address = try? WebAddress(text.contains("://") ? text : "https://" + text),
            address.text.lowercased().utf8.elementsEqual((address.origin.text(withPort: address.hasPort) + "/").utf8)
        else { return nil }
        self = address.origin
    }

    init(scheme: Scheme, host: String, port: Int) {
        self.scheme = scheme
        self.host = host
        self.port = port
    }

    /// `https://host`, with the port if it is not the scheme's own.
    package var text: String { text(withPort: port != (scheme == .https ? 443 : 80)) }

    private func text(withPort: Bool) -> String { "\(scheme.rawValue)://\(host)" + (withPort ? ":\(port)" : "") }

    /// Whether it is this very machine: `localhost`, or a loopback address.
    package var isThisMachine: Bool { host == "localhost" || host == "[::1]" || InternetAddress(host)?.bytes.first == 127 }

    /// Whether the host is an address in digits or `localhost`: then the configuration means exactly that host.
    var namesItsAddress: Bool {
        host == "localhost" || host.hasPrefix("[") || InternetAddress(host) != nil
    }
}

/// An http or https URL, parsed by the library that will use it, so that the checked host is the one that is contacted.
package struct WebAddress: Sendable, Equatable {
    /// The whole URL, normalised.
    package let text: String
    package let origin: WebOrigin
    /// Without the query, which may hold a signature or another secret.
    package let shown: String
    /// Whether a port is written out.
    let hasPort: Bool

    /// A URL has at most so many bytes.
    package static let bytesMax = 8192

    /// Errors: `address` if the text is not an http or https URL, or holds a user's name, a password or a fragment.
    package init(_ text: String) throws(TransferError) {
        guard text.utf8.count <= Self.bytesMax, !text.utf8.contains(0) else {
            throw TransferError(.address, "A URL has at most \(Self.bytesMax) bytes, and no NUL.")
        }
        Curl.start()
        guard let parts = unsafe curl_url() else { throw TransferError(.local, "There is no memory for a URL.") }
        defer { unsafe curl_url_cleanup(parts) }
        // The library's error numbers say little that helps; the sentence below says what is expected.
        guard unsafe curl_url_set(parts, CURLUPART_URL, text, 0) == CURLUE_OK,
            let scheme = unsafe Self.part(CURLUPART_SCHEME, of: parts).flatMap({ WebOrigin.Scheme(rawValue: $0.lowercased()) }),
            let host = unsafe Self.part(CURLUPART_HOST, of: parts)?.lowercased(), !host.isEmpty,
            let port = unsafe Self.part(CURLUPART_PORT, of: parts, flags: UInt32(CURLU_DEFAULT_PORT)).flatMap({ Int($0) })
        else {
            throw TransferError(.address, "It is not a URL of the form https://HOST/PATH or http://HOST/PATH.")
        }
        guard unsafe Self.part(CURLUPART_USER, of: parts) == nil, unsafe Self.part(CURLUPART_PASSWORD, of: parts) == nil else {
            throw TransferError(.address, "A URL with a user's name or password in it is not used.")
        }
        guard unsafe Self.part(CURLUPART_FRAGMENT, of: parts) == nil else {
            throw TransferError(.address, "A URL with a fragment (#…) is not used: servers do not see it.")
        }
        guard let whole = unsafe Self.part(CURLUPART_URL, of: parts) else {
            throw TransferError(.local, "There is no memory for a URL.")
        }
        self.text = whole
        hasPort = unsafe Self.part(CURLUPART_PORT, of: parts) != nil
        origin = WebOrigin(scheme: scheme, host: host, port: port)
        shown = whole.firstIndex(of: "?").map { String(whole[..<$0]) + "?redacted" } ?? whole
    }

    private static func part(_ part: CURLUPart, of parts: OpaquePointer, flags: UInt32 = 0) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard unsafe curl_url_get(parts, part, &text, flags) == CURLUE_OK, let text = unsafe text else { return nil }
        defer { unsafe curl_free(text) }
        return unsafe String(cString: text)
    }
}

/// The library's state of the whole process.
enum Curl {
    private static let isStarted: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    /// Once; later calls do nothing. From any thread.
    static func start() {
        precondition(isStarted, "libcurl cannot be started: out of memory")
    }
}
