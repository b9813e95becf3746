import CodecKit
import DropCore

/// Decides who sent a request, and whether it may pass.
package struct Authorizer: Sendable {
    /// Nil if no tokens are configured.
    let tokens: TokenStore?
    let jwt: JWTCheck?
    /// What a request without a token may do; nil: nothing.
    let anonymous: Role?
    /// What a request without a token may do if it comes from this machine, from the user that runs the server; nil: no more than
    /// others.
    let ownUser: Role?
    /// Host names, besides addresses and this machine's own, that requests may be addressed to; nil: any.
    let hosts: Set<String>?

    /// - Parameters:
    ///   - anonymous: what a request without a token may do; nil: nothing.
    ///   - ownUser: what it may do if it comes from this machine, from the user that runs this server.
    ///   - hosts: host names, in small letters, that requests may be addressed to besides addresses and `localhost`; nil: any.
    package init(tokens: TokenStore? = nil, jwt: JWTCheck? = nil, anonymous: Role?, ownUser: Role? = nil, hosts: Set<String>?) {
        self.tokens = tokens
        self.jwt = jwt
        self.anonymous = anonymous
        self.ownUser = ownUser
        self.hosts = hosts
    }

    enum Decision: Sendable {
        case passes(Caller)
        case refused(APIResponse)
    }

    /// Asks for the caller of `request`; the token file may be read.
    ///
    /// - Parameter peer: who is at the other end of the connection; nil if that is not known.
    func decide(_ request: APIRequest, needs role: Role?, peer: Peer? = nil) async -> Decision {
        if let refusal = refusal(ofHost: request) { return .refused(.error(refusal)) }
        guard let role else { return .passes(Self.nobody) }
        guard let (caller, own) = await caller(request, peer) else {
            return .refused(ownUser == nil ? ErrorShape.unauthorized : ErrorShape.otherUser)
        }
        guard let own, own >= role else {
            let error = APIError(
                .forbidden,
                "The caller \(Escaping.visible(caller.name)) \(own.map { "is \($0.rawValue)" } ?? "has no role"); this call needs "
                    + "\(role.rawValue).")
            return .refused(.error(error))
        }
        return .passes(caller)
    }

    private static let nobody = Caller(name: "anonymous")

    /// Nil if the caller is not known; without a role if the caller is known but has none.
    private func caller(_ request: APIRequest, _ peer: Peer?) async -> (Caller, Role?)? {
        let token = request.header("authorization").flatMap(Self.bearer)
        guard let token, tokens != nil || jwt != nil else {
            let role = peer?.isOwnUser == true ? [anonymous, ownUser].compactMap { $0 }.max() : anonymous
            return role.map { (Self.nobody, $0) }
        }
        if let entry = tokens?.entry(for: token) { return (Caller(name: entry.name), entry.role) }
        if let jwt, let found = await jwt.person(of: token) { return (found.caller, found.role) }
        return nil
    }

    private static func bearer(_ header: String) -> String? {
        let words = header.split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
        return String(words[1]).trimmingBlanks()
    }

    /// A browser on this machine may show a page of another site. The page must not reach the graph, either by its own host name
    /// that points here, or by a cross-site request.
    private func refusal(ofHost request: APIRequest) -> APIError? {
        let host = request.header("host") ?? ""
        let name = HostName.name(of: host)
        if let hosts, !host.isEmpty, !HostName.isAddress(name), !HostName.isLoopback(name), !hosts.contains(name) {
            return APIError(
                .hostNotAllowed,
                "Requests to the host \(Escaping.visible(name, scalarsMax: 100)) are refused. "
                    + "Add it to http.hosts of twindrop.yaml, or call an address."
            )
        }
        guard let origin = request.header("origin") else { return nil }
        let sides = origin.lowercased().split(separator: "/", omittingEmptySubsequences: false)
        guard sides.count == 3, String(sides[2]) == host.lowercased() else {
            return APIError(.originNotAllowed, "Requests from pages of other origins are refused.")
        }
        return nil
    }
}
