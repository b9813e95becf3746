/// PUT and POST of a body of known size.
package enum Upload {
    /// Sends a small body with POST, and waits until its server says that it has it: a status of 200 to 299. Redirects are not
    /// followed. Blocking.
    ///
    /// - Parameters:
    ///   - headers: lines `Name: value`.
    ///   - isCancelled: asked a few times a second while waiting.
    /// Errors: all.
    package static func post(
        _ address: WebAddress, _ bytes: [UInt8], headers: [String], _ rules: TransferRules,
        isCancelled: @escaping () -> Bool = { false }
    ) throws(TransferError) {
        var rest = bytes[...]
        let transfer = try Transfer(
            .post(
                size: UInt64(bytes.count),
                body: { count in
                    defer { rest = rest.dropFirst(count) }
                    return Array(rest.prefix(count))
                }), address, headers: headers + ["Expect:"], rules: rules, isCancelled: isCancelled)
        var isOver = false
        while !isOver {
            isOver = try transfer.run(until: { !transfer.exchange.received.isEmpty })
            _ = transfer.exchange.takeReceived()  // The answer's body; its status says enough.
        }
        guard (200...299).contains(transfer.status) else { throw Download.refusal(transfer) }
    }

    /// Sends a body, and waits until its server says that it has it: a status of 200 to 204. Redirects are not followed.
    /// Blocking.
    ///
    /// - Parameters:
    ///   - size: unit: bytes.
    ///   - headers: lines `Name: value`.
    ///   - isCancelled: asked a few times a second while waiting.
    ///   - body: at most as many bytes as it is asked for; none at the end, after `size` bytes.
    /// Errors: all, and what `body` throws.
    package static func put(
        _ address: WebAddress, size: UInt64, headers: [String], _ rules: TransferRules,
        isCancelled: @escaping () -> Bool = { false }, body: @escaping (Int) throws(TransferError) -> [UInt8]
    ) throws(TransferError) {
        // Without `Expect: 100-continue`, which costs a second when a server does not understand it.
        let transfer = try Transfer(
            .put(size: size, body: body), address, headers: headers + ["Expect:"], rules: rules, isCancelled: isCancelled)
        var isOver = false
        while !isOver {
            isOver = try transfer.run(until: { !transfer.exchange.received.isEmpty })
            _ = transfer.exchange.takeReceived()  // The answer's body; its status says enough.
        }
        guard (200...204).contains(transfer.status) else { throw Download.refusal(transfer) }
    }
}
