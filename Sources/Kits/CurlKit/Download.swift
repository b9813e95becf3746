/// The body of a GET, a part at a time, whatever its size. Used by one thread; every call blocks.
///
///     let download = try Download(address, rules, isCancelled: { job.isCancelled })
///     while case let part = try download.read(), !part.isEmpty { … }
///
/// The body ends only where its server says that it ends. A body that is cut off is an error, never a shorter body.
package final class Download {
    private let transfer: Transfer

    /// Asks for the body, and waits for the answer's head. Redirects are followed to allowed origins only, and never from https
    /// to http.
    ///
    /// - Parameter isCancelled: asked a few times a second while waiting.
    /// Errors: all.
    package init(
        _ address: WebAddress, _ rules: TransferRules, isCancelled: @escaping () -> Bool = { false }
    ) throws(TransferError) {
        var address = address
        for _ in 0...TransferRules.redirectsMax {
            let transfer = try Transfer(.get, address, headers: [], rules: rules, isCancelled: isCancelled)
            _ = try transfer.run(until: { !transfer.exchange.received.isEmpty })
            if let next = try Self.redirection(of: transfer) {
                address = next
                continue
            }
            try Self.check(transfer)
            self.transfer = transfer
            return
        }
        throw TransferError(.answer, "\(address.origin.text) redirects more than \(TransferRules.redirectsMax) times.")
    }

    /// The next bytes; none at the end.
    package func read() throws(TransferError) -> [UInt8] {
        _ = try transfer.run(until: { [exchange = transfer.exchange] in !exchange.received.isEmpty })
        return transfer.exchange.takeReceived()
    }

    /// All that is left.
    package func readAll() throws(TransferError) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let part = try read()
            if part.isEmpty { return bytes }
            bytes += part
        }
    }

    private static func redirection(of transfer: Transfer) throws(TransferError) -> WebAddress? {
        guard [301, 302, 303, 307, 308].contains(transfer.status) else { return nil }
        let from = transfer.address
        // The reason does not matter: the text cannot be followed as an address.
        guard let text = transfer.redirection, let next = try? WebAddress(text) else {
            throw TransferError(.answer, "\(from.shown) redirects to something that is no http or https URL.")
        }
        guard transfer.rules.origins.contains(next.origin), next.origin.scheme == .https || from.origin.scheme == .http else {
            throw TransferError(
                .refused, "\(from.shown) redirects to \(next.origin.text), which is not one of the hosts that are allowed there.")
        }
        return next
    }

    private static func check(_ transfer: Transfer) throws(TransferError) {
        let shown = transfer.address.shown
        guard transfer.status == 200 else { throw Self.refusal(transfer) }
        if let coding = transfer.header("Content-Encoding"), coding.lowercased() != "identity" {
            throw TransferError(.answer, "\(shown) is sent in the coding \(Transfer.plain(coding)), which was not asked for.")
        }
        guard transfer.statesItsEnd else {
            throw TransferError(
                .answer, "\(shown) is sent without its length, so that a part could not be told from the whole.")
        }
        if let length = transfer.contentLength, length > transfer.rules.bytesMax {
            throw TransferError(
                .tooLarge, "\(shown) has \(length) bytes, more than the \(transfer.rules.bytesMax) that are allowed.")
        }
    }

    static func refusal(_ transfer: Transfer) -> TransferError {
        // The code that Azure's storage gives says more than the status.
        let code = transfer.header("x-ms-error-code").map { " (\(Transfer.plain($0)))" } ?? ""
        return TransferError(.answer, "\(transfer.address.shown) is answered with the status \(transfer.status)\(code).")
    }
}
