import CCurl
import Glibc

/// What the callbacks of one transfer share with it. Used by the transfer's thread only.
final class Exchange {
    /// Bytes of the body that were read and not taken yet.
    private(set) var received: [UInt8] = []
    /// Bytes of bodies, in both directions.
    private(set) var moved: UInt64 = 0
    /// Why a callback stopped the transfer.
    private(set) var failure: TransferError?
    private let rules: TransferRules
    private let address: WebAddress
    private let body: ((Int) throws(TransferError) -> [UInt8])?
    private var bytesRead: UInt64 = 0

    init(_ rules: TransferRules, _ address: WebAddress, _ body: ((Int) throws(TransferError) -> [UInt8])?) {
        self.rules = rules
        self.address = address
        self.body = body
    }

    /// All that was received since the last call.
    func takeReceived() -> [UInt8] {
        defer { received = [] }
        return received
    }

    static let take: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
        bytes, size, count, context in
        guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
        let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        return unsafe exchange.take(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
    }

    private func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytesRead += UInt64(bytes.count)
        moved += UInt64(bytes.count)
        guard bytesRead <= rules.bytesMax else {
            failure = TransferError(.tooLarge, "\(address.shown) has more than the \(rules.bytesMax) bytes that are allowed.")
            return false
        }
        unsafe received.append(contentsOf: bytes)
        return true
    }

    static let give: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
        room, size, count, context in
        guard let room = unsafe room, let context = unsafe context else { return Int(CURL_READFUNC_ABORT) }
        let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        return unsafe exchange.give(into: UnsafeMutableRawBufferPointer(start: room, count: size * count))
    }

    private func give(into room: UnsafeMutableRawBufferPointer) -> Int {
        guard let body else { return 0 }
        do throws(TransferError) {
            let bytes = try body(room.count)
            precondition(bytes.count <= room.count, "a body gives at most what it is asked for")
            unsafe room.copyBytes(from: bytes)
            moved += UInt64(bytes.count)
            return bytes.count
        } catch {
            failure = error
            return Int(CURL_READFUNC_ABORT)
        }
    }

    typealias Opener =
        @convention(c) (UnsafeMutableRawPointer?, curlsocktype, UnsafeMutablePointer<curl_sockaddr>?) -> CInt

    /// The address is checked here, after its resolution and before the connection, so no second look-up can change it.
    static let openSocket: Opener = { context, _, place in
        guard let context = unsafe context, let place = unsafe place else { return -1 }
        let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        guard let found = unsafe Exchange.address(place), exchange.allows(found) else { return -1 }
        let (family, type, number) = unsafe (place.pointee.family, place.pointee.socktype, place.pointee.`protocol`)
        return socket(family, type | CInt(SOCK_CLOEXEC.rawValue), number)
    }

    private func allows(_ found: InternetAddress) -> Bool {
        if rules.allows(found, of: address.origin) { return true }
        failure = TransferError(
            .refused,
            "\(address.origin.text) has the address \(found), which is not of the public Internet; "
                + "its network is not among those that are allowed.")
        return false
    }

    private static func address(_ place: UnsafeMutablePointer<curl_sockaddr>) -> InternetAddress? {
        // The structure's last member is longer than it says if the address is IPv6.
        guard let start = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return nil }
        let address = unsafe UnsafeRawPointer(place).advanced(by: start)
        switch unsafe place.pointee.family {
        case AF_INET:
            let value = unsafe address.loadUnaligned(as: sockaddr_in.self)
            return InternetAddress(bytes: unsafe withUnsafeBytes(of: value.sin_addr) { unsafe Array($0) })
        case AF_INET6:
            let value = unsafe address.loadUnaligned(as: sockaddr_in6.self)
            return InternetAddress(bytes: unsafe withUnsafeBytes(of: value.sin6_addr) { unsafe Array($0) })
        default: return nil
        }
    }
}
