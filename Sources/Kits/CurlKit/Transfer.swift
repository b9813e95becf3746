import CCurl

/// One request and its answer. Used by one thread. Bytes are sent and received only within `run`.
///
/// It uses the multi interface for one transfer. So a caller can take bytes as they come, and no wait is longer than `slice`
/// without a check whether the result is still wanted.
@safe final class Transfer {
    /// What is done with the address.
    enum Act {
        case get
        /// PUT of `size` bytes, which `body` gives a part at a time: at most as many as it is asked for, none at the end.
        case put(size: UInt64, body: (Int) throws(TransferError) -> [UInt8])
        /// POST of a body that is given in the same way.
        case post(size: UInt64, body: (Int) throws(TransferError) -> [UInt8])
    }

    let address: WebAddress
    let rules: TransferRules
    let exchange: Exchange
    private let easy: UnsafeMutableRawPointer
    private let multi: UnsafeMutableRawPointer
    private var headers: UnsafeMutablePointer<curl_slist>?
    /// Where the library writes what went wrong; as long as the transfer lives.
    private let complaint: UnsafeMutablePointer<CChar>
    private var outcome: Result<Void, TransferError>?
    private let isCancelled: () -> Bool
    /// How long `run` has waited for the other side, over all its calls.
    private var waited: Duration = .zero

    /// Unit: milliseconds.
    private static let slice: CInt = 200

    /// - Parameter isCancelled: asked a few times a second while waiting.
    /// Errors: `refused`, `local`.
    init(
        _ act: Act, _ address: WebAddress, headers lines: [String], rules: TransferRules, isCancelled: @escaping () -> Bool
    ) throws(TransferError) {
        try rules.check(address)
        Curl.start()
        guard let easy = unsafe curl_easy_init() else { throw TransferError(.local, "There is no memory for a transfer.") }
        guard let multi = unsafe curl_multi_init() else {
            unsafe curl_easy_cleanup(easy)
            throw TransferError(.local, "There is no memory for a transfer.")
        }
        self.address = address
        self.rules = rules
        self.isCancelled = isCancelled
        unsafe self.easy = unsafe easy
        unsafe self.multi = unsafe multi
        unsafe complaint = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe complaint.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        switch act {
        case .get: exchange = Exchange(rules, address, nil)
        case .put(_, let body), .post(_, let body): exchange = Exchange(rules, address, body)
        }
        let isReady = prepare(act) && append(lines) && setCallbacks()
        guard isReady, unsafe curl_multi_add_handle(multi, easy) == CURLM_OK else {
            throw TransferError(.local, "A transfer with \(address.origin.text) cannot be set up with this libcurl.")
        }
    }

    deinit {
        // The order matters: remove the handle, free it, then free what it refers to.
        unsafe curl_multi_remove_handle(multi, easy)
        unsafe curl_easy_cleanup(easy)
        unsafe curl_multi_cleanup(multi)
        unsafe curl_slist_free_all(headers)
        unsafe complaint.deallocate()
    }

    // MARK: - Setting up

    private func prepare(_ act: Act) -> Bool {
        var options: [(CURLoption, Int)] = [
            (CURLOPT_NOSIGNAL, 1), (CURLOPT_FOLLOWLOCATION, 0), (CURLOPT_SSL_VERIFYPEER, 1), (CURLOPT_SSL_VERIFYHOST, 2),
            (CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2), (CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue)),
            // HTTP/1.1 shows when an answer has no length. The kit uses one connection for one transfer anyway.
            (CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1), (CURLOPT_FRESH_CONNECT, 1), (CURLOPT_FORBID_REUSE, 1),
            (CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(rules.connectTime / .milliseconds(1)))),
        ]
        var texts: [(CURLoption, String)] = [
            (CURLOPT_URL, address.text), (CURLOPT_PROTOCOLS_STR, address.origin.scheme.rawValue), (CURLOPT_PROXY, ""),
            (CURLOPT_USERAGENT, "twindrop"),
        ]
        if let authorities = rules.authorities { texts.append((CURLOPT_CAINFO, authorities)) }
        var size: (option: CURLoption, bytes: UInt64)?
        switch act {
        case .get: break
        case .put(let count, _):
            options.append((CURLOPT_UPLOAD, 1))
            size = (CURLOPT_INFILESIZE_LARGE, count)
        case .post(let count, _):
            options.append((CURLOPT_POST, 1))
            size = (CURLOPT_POSTFIELDSIZE_LARGE, count)
        }
        return options.allSatisfy { unsafe curlkit_set_long(easy, $0.0, $0.1) == CURLE_OK }
            && texts.allSatisfy { unsafe curlkit_set_text(easy, $0.0, $0.1) == CURLE_OK }
            && (size.map { unsafe curlkit_set_offset(easy, $0.option, Int(clamping: $0.bytes)) == CURLE_OK } ?? true)
    }

    private func append(_ lines: [String]) -> Bool {
        for line in lines {
            guard let longer = unsafe curl_slist_append(headers, line) else { return false }
            unsafe headers = unsafe longer
        }
        return unsafe curlkit_set_pointer(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK
    }

    private func setCallbacks() -> Bool {
        // The transfer holds the exchange, and the handle goes before it: the callbacks' pointer never outlives it.
        let context = unsafe Unmanaged.passUnretained(exchange).toOpaque()
        return unsafe curlkit_set_pointer(easy, CURLOPT_WRITEDATA, context) == CURLE_OK
            && curlkit_set_pointer(easy, CURLOPT_READDATA, context) == CURLE_OK
            && curlkit_set_pointer(easy, CURLOPT_OPENSOCKETDATA, context) == CURLE_OK
            && curlkit_set_pointer(easy, CURLOPT_ERRORBUFFER, complaint) == CURLE_OK
            && curlkit_set_bytes_callback(easy, CURLOPT_WRITEFUNCTION, Exchange.take) == CURLE_OK
            && curlkit_set_bytes_callback(easy, CURLOPT_READFUNCTION, Exchange.give) == CURLE_OK
            && curlkit_set_socket_callback(easy, Exchange.openSocket) == CURLE_OK
    }

    // MARK: - Running

    /// Moves bytes until `isEnough`, or the end of the transfer; true at the end. The caller can take the bytes that came before
    /// an error. Blocking.
    ///
    /// Errors: all but `address`, `refused` for addresses only.
    func run(until isEnough: () -> Bool) throws(TransferError) -> Bool {
        let begin = ContinuousClock.now
        var (moved, lastMove) = (exchange.moved, begin)
        defer { waited += ContinuousClock.now - begin }
        while !isEnough() {
            if let outcome {
                try outcome.get()
                return true
            }
            var running: CInt = 0
            guard unsafe curl_multi_perform(multi, &running) == CURLM_OK else {
                throw TransferError(.local, "libcurl failed on the way to \(address.origin.text).")
            }
            if let code = result() {
                outcome = failure(code).map { .failure($0) } ?? .success(())
                continue
            }
            if isEnough() { return false }
            guard !isCancelled() else { throw TransferError(.cancelled, "The transfer was cancelled.") }
            let now = ContinuousClock.now
            if moved != exchange.moved { (moved, lastMove) = (exchange.moved, now) }
            try checkPace(idle: now - lastMove, waited: waited + (now - begin))
            var ready: CInt = 0
            _ = unsafe curl_multi_poll(multi, nil, 0, Self.slice, &ready)
        }
        return false
    }

    private func checkPace(idle: Duration, waited: Duration) throws(TransferError) {
        let isConnected = number(CURLINFO_PRETRANSFER_TIME_T) > 0
        let patience = isConnected ? rules.stallTime : rules.connectTime + rules.stallTime
        if idle > patience {
            throw TransferError(.stalled, "\(address.origin.text) was silent for \(patience / .seconds(1)) seconds.")
        }
        let allowed = rules.connectTime + rules.stallTime + .seconds(Double(exchange.moved) / TransferRules.slowest)
        if waited > allowed {
            throw TransferError(
                .stalled, "\(address.origin.text) is slower than \(Int(TransferRules.slowest)) bytes a second.")
        }
    }

    private func result() -> CURLcode? {
        var left: CInt = 0
        while let message = unsafe curl_multi_info_read(multi, &left) {
            if unsafe message.pointee.msg == CURLMSG_DONE { return unsafe message.pointee.data.result }
        }
        return nil
    }

    private func failure(_ code: CURLcode) -> TransferError? {
        guard code != CURLE_OK else { return nil }
        if let own = exchange.failure { return own }
        let words = unsafe String(cString: complaint)
        let reason = words.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : words
        let kind: TransferError.Code =
            switch code {
            case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT: .unreachable
            case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR:
                .untrusted
            case CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING: .incomplete
            case CURLE_OUT_OF_MEMORY: .local
            default: .answer
            }
        return TransferError(kind, "\(address.shown): \(Self.plain(reason)).")
    }

    /// One line of plain characters, because parts of some sentences come from servers.
    static func plain(_ text: String) -> String {
        let line = String(
            String.UnicodeScalarView(text.unicodeScalars.prefix(200).map { (0x20..<0x7F).contains($0.value) ? $0 : "?" }))
        return line.last == "." ? String(line.dropLast()) : line
    }

    // MARK: - The answer

    /// 0 before there is one.
    var status: Int {
        var value = 0
        return unsafe curlkit_get_long(easy, CURLINFO_RESPONSE_CODE, &value) == CURLE_OK ? value : 0
    }

    /// Whether the body's end can be told from a broken connection.
    var statesItsEnd: Bool { contentLength != nil || header("Transfer-Encoding")?.lowercased() == "chunked" }

    /// Unit: bytes.
    var contentLength: UInt64? { UInt64(exactly: number(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)) }

    /// Where a redirect leads, made absolute.
    var redirection: String? {
        var text: UnsafeMutablePointer<CChar>?
        guard unsafe curlkit_get_text(easy, CURLINFO_REDIRECT_URL, &text) == CURLE_OK, let text = unsafe text else { return nil }
        return unsafe String(cString: text)
    }

    func header(_ name: String) -> String? {
        var found: UnsafeMutablePointer<curl_header>?
        guard unsafe curl_easy_header(easy, name, 0, UInt32(CURLH_HEADER), -1, &found) == CURLHE_OK, let found = unsafe found
        else { return nil }
        return unsafe String(cString: found.pointee.value)
    }

    private func number(_ info: CURLINFO) -> Int {
        var value = 0
        return unsafe curlkit_get_offset(easy, info, &value) == CURLE_OK ? value : -1
    }
}
